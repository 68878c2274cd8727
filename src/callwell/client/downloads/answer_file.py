# SPDX-License-Identifier: Apache-2.0
"""The file that an operation returns itself, or redirects to.

It is downloaded like a file behind a signed URL, with the same decisions (`core/download.py`): each request for a part
of it is a call of the operation, with its key, permit and retries. If the operation redirects to another server, the
file is fetched from there without the key, like any signed URL, and the operation is called again when that URL has
expired.

An operation that may not be repeated is called once: if its file breaks off, the call was done and the file is lost.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

from callwell.client.calls.answer_values import find_type, media_type, read_answer
from callwell.client.calls.open_answer import AsyncOpenAnswer, check_recordable, done_facts, open_answer
from callwell.client.calls.responses import Answer, resolve_link
from callwell.client.downloads.asset import AsyncAsset
from callwell.client.downloads.fetch import NEVER
from callwell.client.downloads.signed_url import STALL_S, AssetInfo, AsyncSignedUrl
from callwell.core import download, outcome, storage_head
from callwell.core.outcome import REDIRECTS
from callwell.core.rules.operations import AssetRule
from callwell.core.types import Outcome
from callwell.errors import AnswerTooLarge, ApiError, AssetUnavailable, CallFacts, UnexpectedAnswer, UsageError
from callwell.transport.base import NoReply, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from callwell.client.calls.binding import BoundRequest
    from callwell.client.calls.open_answer import AsyncOpenCaller
    from callwell.client.calls.operations import OperationHandle
    from callwell.core.download import Download
    from callwell.core.storage_head import StorageHead
    from callwell.transport.base import AsyncBody

NO_URL: Final = AssetRule(url="", name="")
"""The rule of an answer that is the file itself, and so has no URL."""


class AsyncAnswerFile(AsyncSignedUrl):
    """Where one file comes from: the operation itself, or the address that it redirects to.

    Args:
        caller: makes the calls.
        handle: the operation.
        bound: the request.
        location: the address that the operation has already redirected to.

    Attributes:
        headers: the headers of the last answer with bytes of the file.
    """

    max_ranges = 1

    def __init__(
        self, caller: AsyncOpenCaller, handle: OperationHandle, bound: BoundRequest, *, location: str | None = None
    ) -> None:
        check_recordable(caller)
        name = f"{caller.config.provider.name} {handle.plan.operation}"
        super().__init__(name, NO_URL, engine=caller.engine, ask=caller.send)
        self.headers: Mapping[str, str] = {}
        self._caller = caller
        self._handle = handle
        self._bound = bound
        self._status = 0
        self._location = location

    async def fetch_info(self) -> AssetInfo:
        """The information about the file in the head of the answer.

        Raises:
            UsageError: asking would execute the operation.
        """
        if not self._handle.plan.traits.safe:
            raise UsageError(f"{self.name}: nothing is known about the file before the operation is executed; save it")
        async with self.open(download.FetchRange(0, None, 0)) as body:
            self._describe(body)
        return self.info or AssetInfo(None, None, None, available=True)

    async def refresh(
        self, state: Download, before: Callable[[AssetInfo], None] | None
    ) -> tuple[Download, download.Action]:
        """Start again with the operation, even if it has redirected before.

        Args:
            state: the state of the download.
            before: called with the known information, which is still empty.
        """
        self._url = ""
        self.info = AssetInfo(None, None, None, available=True)
        if before is not None:
            before(self.info)
        if self._location is not None:
            self._follow(self._location)
            self._location = None
        return download.accept_url(state, None)

    async def wait_before(self, wanted: download.FetchRange, last_wait_s: float) -> float:
        """Wait as a storage asks; see `AsyncSignedUrl.wait_before`.

        Raises:
            UnexpectedAnswer: the file broke off, and the operation may not be repeated.
        """
        if self._status and not self._handle.plan.traits.repeatable:
            why = self.fault or self.last_error
            facts = CallFacts(**{**self._call_facts, "outcome": str(Outcome.DONE)})
            raise UnexpectedAnswer(
                f"{self.name}: {self._status}: it was done, but the file was lost: {why}", status=self._status, **facts
            )
        return await super().wait_before(wanted, last_wait_s)

    @asynccontextmanager
    async def open(self, wanted: download.FetchRange, url: str = "") -> AsyncIterator[AsyncBody | NoReply]:
        """Ask the operation for bytes, or the server that it redirected to.

        Args:
            wanted: the range.
            url: from `url_for_range`.

        Raises:
            AssetUnavailable: the operation has no file, at least not yet.
            CallwellError: see `callwell.errors`.
        """
        if not self._url:
            answer = await self._call(wanted)
            try:
                if answer.status not in REDIRECTS:
                    self._describe(answer)
                    yield answer
                    return
            finally:
                await answer.aclose()
            self._follow(answer.headers.get("location", ""))
        async with super().open(wanted, url) as body:
            self._describe(body)
            yield body

    def parse_head(self, body: AsyncBody) -> StorageHead:
        """The head of an answer; any success other than a 206 has the whole file."""
        head = super().parse_head(body)
        is_whole = head.status in outcome.OK and head.status != storage_head.PARTIAL_CONTENT
        return head._replace(status=download.OK_STATUS) if is_whole else head

    async def _call(self, wanted: download.FetchRange) -> AsyncOpenAnswer:
        fields: tuple[tuple[str, str], ...] = ()
        if wanted.offset:
            fields = (("range", f"bytes={wanted.offset}-"),)
            fields = (*fields, ("if-range", wanted.if_range)) if wanted.if_range else fields
        left_s = self._check_time()
        caller = self._caller if left_s == NEVER else self._caller.with_options({"deadline_s": left_s})
        self._requests += 1
        try:
            answer = await open_answer(
                caller,
                self._handle,
                self._bound,
                is_expected=self._is_file,
                stall_s=STALL_S,
                fields=fields,
                deadline=self.deadline,
            )
        except ApiError as error:
            if error.status != download.RANGE_NOT_SATISFIABLE or not wanted.offset:
                raise
            return AsyncOpenAnswer(error.status, {}, None)
        self._status = answer.status
        self.last_error = f"HTTP {answer.status}"
        if answer.is_empty:
            await answer.aclose()
            raise AssetUnavailable(f"{self.name}: no file: the provider has none, or none yet (HTTP {answer.status})")
        return answer

    def _follow(self, location: str) -> None:
        """Fetch the file from the redirect's target, if that may be followed."""
        url = resolve_link(self._bound.url or self._caller.engine.base_url + self._bound.target, location)
        self._check(AssetInfo(None, None, None, available=True), url)
        self._url = url

    def _is_file(self, headers: Mapping[str, str]) -> bool:
        media = self._handle.plan.media
        kind = find_type(media, headers, b"")
        return kind is not None and (kind.kind != "json" or any(declared.kind == "any" for declared in media))

    def _describe(self, body: AsyncBody | NoReply) -> None:
        if isinstance(body, NoReply):
            return
        self.headers = body.headers
        size = self.parse_head(body).content_length if body.status == download.OK_STATUS else None
        self.info = AssetInfo(size, media_type(body.headers) or None, None, available=True)


async def read_redirected(
    caller: AsyncOpenCaller, handle: OperationHandle, bound: BoundRequest, answer: Answer
) -> Answer:
    """Read the answer of a call that was redirected to another server from there.

    Args:
        caller: makes the calls.
        handle: the operation.
        bound: the request.
        answer: the redirect.

    Raises:
        AnswerTooLarge: it has more bytes than may be read into memory.
        AssetError: the file cannot be downloaded.
    """
    source = AsyncAnswerFile(caller, handle, bound, location=answer.headers["location"])
    max_bytes = caller.config.network.max_answer_bytes
    body = bytearray()
    options = caller.options
    asset = AsyncAsset(source, deadline_s=options.explicit_deadline_s, wait_s=options.deadline_s)
    async with aclosing(asset.iter_bytes()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > max_bytes:
                text = f"{source.name}: the file has more bytes than max_answer_bytes allows: save it as an asset"
                raise AnswerTooLarge(text, status=download.OK_STATUS, **done_facts(caller, handle, answer))
    response = Response(download.OK_STATUS, source.headers, bytes(body))
    found = read_answer(response, handle.plan.media)
    json = None if found is None else found.json
    return answer._replace(status=response.status, headers=response.headers, body=response.body, json=json)
