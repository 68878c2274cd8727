# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/downloads/signed_url.py by tools/unasync.py; do not edit
"""Where a file comes from: the provider that signs its URL, and the storage behind the URL."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.client._sync.concurrency.primitives import sleep
from callwell.client._sync.downloads.fetch import NEVER, open_body
from callwell.client.calls.responses import origin, resolve_link
from callwell.core import download, json_values, retry, storage_head
from callwell.core.download import DownloadReason
from callwell.core.outcome import REDIRECTS
from callwell.errors import AssetDamaged, AssetError, AssetUnavailable, DeadlineExceeded, WouldExceedDeadline
from callwell.transport.base import NoReply, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.client._sync.calls.engine import Engine
    from callwell.client._sync.concurrency.primitives import Fetch
    from callwell.core.download import Download
    from callwell.core.rules.operations import AssetRule
    from callwell.core.storage_head import StorageHead
    from callwell.errors import CallFacts
    from callwell.transport.base import Body

STALL_S: Final = 30.0
"""Real seconds without a byte after which a body counts as broken off."""

MAX_REDIRECTS: Final = 10
"""Redirects from the provider's URL to the file. Two are common; browsers give up after twenty."""

HTTPS: Final = "https"
SCHEMES: Final = ("http", HTTPS)

MAX_SHOWN: Final = 40
"""Characters of a wrong value that a message repeats."""

NO_VALIDATOR: Final = (
    "; it sends neither a strong ETag nor an old enough Last-Modified, so each attempt starts from the beginning"
)

MESSAGES: Final = {
    DownloadReason.EXPIRED: "every fresh URL was refused by the storage (HTTP {status})",
    DownloadReason.INTERRUPTED: "the storage broke off every time",
    DownloadReason.REFUSED: "the storage refused it (HTTP {status})",
    DownloadReason.MISMATCH: "the storage's file is not what the provider announced",
    DownloadReason.UNAVAILABLE: "no file: the storage has none at the moment (HTTP {status})",
    DownloadReason.WEB_PAGE: "the storage sends a web page instead of the file (HTTP {status})",
    DownloadReason.UNREACHABLE: "the storage cannot be reached",
    DownloadReason.UNKNOWN_CODING: "the storage sends the file in an unsupported content coding ({coding})",
}


class AssetInfo(NamedTuple):
    """What the provider says about a file.

    Attributes:
        size: the size in bytes, if it says.
        type: the media type, if it says.
        captured: whether such a file was ever made, if it says.
        available: there is a URL.
        once: the URL works for one request only.
    """

    size: int | None
    type: str | None
    captured: bool | None
    available: bool
    once: bool = False


def guess_by_name(name: str) -> str | None:
    """The media type of a file name's suffix, the same on every machine; None if it could be any type."""
    import mimetypes  # only files need it

    found = mimetypes.MimeTypes(()).guess_type(name)[0]
    return None if found == "application/octet-stream" else found


class SignedUrl:
    """The source of one file.

    Args:
        name: provider and operation, for messages.
        rule: where the provider's response has its URL, size and type.
        engine: makes the requests to the storage.
        ask: asks the provider for a fresh URL, within the given seconds.

    Attributes:
        max_ranges: how many ranges of the file may be fetched in parallel.
        absent_statuses: statuses of the storage that mean "no such file".
        info: the provider's last information.
        deadline: when everything must have ended, by the client's clock.
        last_error: the storage's last error, in words.
        fault: what is wrong with the file as received.
    """

    max_ranges = 16

    def __init__(self, name: str, rule: AssetRule, *, engine: Engine, ask: Fetch) -> None:
        self.name = name
        self.absent_statuses = rule.absent
        self.info: AssetInfo | None = None
        self.deadline = NEVER
        self._max_wait_s = NEVER
        self._requests = 0
        self.last_error = ""
        self.fault = ""
        self._rule = rule
        self._engine = engine
        self._ask = ask
        self._url = ""

    def fetch_info(self) -> AssetInfo:
        """What the provider says about the file; each call asks it again."""
        self.info, self._url = self._ask_provider()
        return self.info

    def refresh(self, state: Download, before: Callable[[AssetInfo], None] | None) -> tuple[Download, download.Action]:
        """Ask for a fresh URL.

        Args:
            state: the state of the download.
            before: called with what the provider says.

        Raises:
            AssetUnavailable: the provider has no such file.
            AssetError: the URL is not safe to follow: no TLS, or not http at all.
        """
        info = self.fetch_info()
        self._check(info, self._url)
        if before is not None:
            before(info)
        media_type = info.type or guess_by_name(self._rule.name)
        return download.accept_url(
            state, info.size, single_use=info.once, not_html=storage_head.is_not_html(media_type)
        )

    def url_for_range(self) -> str:
        """The URL for one more concurrent request: a fresh one if each works for one request only.

        Raises:
            AssetUnavailable: the provider no longer has such a file.
            AssetError: the URL is not safe to follow: no TLS, or not http at all.
        """
        if self.info is None or not self.info.once:
            return self._url
        info, url = self._ask_provider()
        self._check(info, url)
        return url

    def start(self, deadline_s: float, max_wait_s: float) -> None:
        """Start the clock.

        Args:
            deadline_s: seconds for everything, waits included; infinite for no limit.
            max_wait_s: seconds of the longest wait that the storage may ask for.
        """
        self._max_wait_s = max(max_wait_s, self._engine.profile.retry.cap_s)
        self.deadline = self._engine.clock.now() + deadline_s
        self._requests = 0
        self.last_error = ""
        self.fault = ""

    def wait_before(self, wanted: download.FetchRange, last_wait_s: float) -> float:
        """Wait after failures, and as long as the storage asks.

        Args:
            wanted: the next request.
            last_wait_s: the wait before the last attempt, as this returned it.

        Returns:
            the wait that the next backoff starts from.

        Raises:
            DeadlineExceeded: there is no time left.
            WouldExceedDeadline: the wait would end after the deadline.
        """
        if not wanted.failures and not wanted.retry_after_s:
            return 0.0
        self._check_time()
        clock = self._engine.clock
        repeats = max(0, wanted.failures - 1)
        backoff = retry.backoff(self._engine.profile.retry, repeats, self._engine.roll(), last_wait_s)
        seconds = max(backoff, wanted.retry_after_s)
        ends_at = clock.now() + seconds
        if ends_at > self.deadline or seconds > self._max_wait_s:
            late = "after the deadline" if ends_at > self.deadline else "which is longer than a call may take"
            text = f"{self.name}: the next attempt would start in {seconds:.0f} s, {late}{self._last_error_note}"
            raise WouldExceedDeadline(
                text, at=clock.wall() + seconds, wait_s=seconds, last_error=self.last_error or None, **self._call_facts
            )
        sleep(clock.real_s(seconds))
        return backoff

    @contextmanager
    def open(self, wanted: download.FetchRange, url: str = "") -> Iterator[Body | NoReply]:
        """Ask the storage for bytes. Redirects are followed: no key is sent that could reach another host.

        Args:
            wanted: the range.
            url: from `url_for_range`; the last one if empty.

        Raises:
            AssetError: a redirect that is not safe to follow.
            ClosedError: the client was closed.
            DeadlineExceeded: there is no time left.
        """
        operation = self.name.partition(" ")[2]
        headers: tuple[tuple[str, str], ...] = (("accept", "*/*"), ("accept-encoding", "identity"))
        if wanted.offset or wanted.stop is not None:
            last = "" if wanted.stop is None else wanted.stop - 1
            headers = (*headers, ("range", f"bytes={wanted.offset}-{last}"))
        if wanted.if_range:
            headers = (*headers, ("if-range", wanted.if_range))
        target = url or self._url
        for _ in range(1 + MAX_REDIRECTS):
            if not self._engine.is_open:
                self._engine.open(operation)
            self._check_time()
            self._requests += 1
            request = Request("GET", target, headers, timeout_s=STALL_S)
            with open_body(self._engine, operation, request, self.deadline) as body:
                moved = None if isinstance(body, NoReply) else self._redirect_target(target, body)
                if moved is None:
                    self.last_error = body.reason if isinstance(body, NoReply) else f"HTTP {body.status}"
                    yield body
                    return
            target = moved
        raise AssetError(f"{self.name}: the storage redirected more than {MAX_REDIRECTS} times")

    def parse_head(self, body: Body) -> StorageHead:
        """The head of the storage's response."""
        return storage_head.parse_head(body.status, body.headers, self._engine.clock.wall())

    def to_error(self, reason: DownloadReason, status: int, state: Download) -> AssetError:
        """The error of a download that has failed."""
        if reason is DownloadReason.UNAVAILABLE:
            return AssetUnavailable(f"{self.name}: {MESSAGES[reason].format(status=status)}")
        words = MESSAGES[reason].format(status=status, coding=", ".join(state.codings))
        if reason is DownloadReason.INTERRUPTED:
            note = "" if state.version.is_provable or not state.high_water else NO_VALIDATOR
            return AssetError(f"{self.name}: {words}{self._last_error_note}{note}")
        if reason is DownloadReason.UNREACHABLE:
            return AssetError(f"{self.name}: {words}: {self.last_error}")
        if reason is not DownloadReason.MISMATCH:
            return AssetError(f"{self.name}: {words}")
        size = "" if state.announced_size is None else f" ({state.announced_size} bytes announced)"
        return AssetDamaged(f"{self.name}: {words}{size}{self.fault and ': '}{self.fault}")

    @property
    def _call_facts(self) -> CallFacts:
        provider, _, operation = self.name.partition(" ")
        return {"provider": provider, "operation": operation, "attempts": self._requests, "outcome": "unknown"}

    @property
    def _last_error_note(self) -> str:
        return f" (last: {self.last_error})" if self.last_error else ""

    def _check_time(self) -> float:
        """The remaining seconds.

        Raises:
            DeadlineExceeded: there are none.
        """
        left_s = self.deadline - self._engine.clock.now()
        if left_s <= 0:
            text = f"{self.name}: the deadline passed before the file was complete{self._last_error_note}"
            raise DeadlineExceeded(text, last_error=self.last_error or None, **self._call_facts)
        return left_s

    def _redirect_target(self, url: str, body: Body) -> str | None:
        """Where a redirect leads; None for any other response."""
        location = body.headers.get("location") if body.status in REDIRECTS else None
        if not location:
            return None
        target = resolve_link(url, location)
        scheme = origin(target)[0]
        if scheme not in SCHEMES:
            raise AssetError(f"{self.name}: the storage redirects to an address that is not http or https")
        if origin(url)[0] == HTTPS and scheme != HTTPS:
            raise AssetError(f"{self.name}: the storage redirects to an address without TLS")
        return target

    def _ask_provider(self) -> tuple[AssetInfo, str]:
        left_s = self._check_time()
        body = (self._ask(None if left_s == NEVER else left_s)).json
        rule = self._rule
        url = json_values.value_at(body, rule.url)
        if url is not None and not isinstance(url, str):
            raise AssetError(
                f"{self.name}: the provider's response has something other than a string where the URL should be"
            )
        size = json_values.value_at(body, rule.size)
        try:
            announced = storage_head.parse_size(size)
        except ValueError:
            shown = repr(size)[:MAX_SHOWN]
            raise AssetError(
                f"{self.name}: the provider announces a size that is not a number of bytes: {shown}"
            ) from None
        kind = json_values.value_at(body, rule.type)
        info = AssetInfo(
            size=announced,
            type=str(kind) if kind else None,
            captured=storage_head.parse_flag(json_values.value_at(body, rule.captured)),
            available=bool(url),
            once=rule.once and storage_head.parse_flag(json_values.value_at(body, rule.public)) is not True,
        )
        return info, url or ""

    def _check(self, info: AssetInfo, url: str) -> None:
        if not url:
            why = "it was not captured" if info.captured is False else "the provider has none at the moment"
            raise AssetUnavailable(f"{self.name}: no file: {why}", captured=info.captured)
        scheme, host, _ = origin(url)
        if origin(self._engine.base_url)[0] == HTTPS and scheme != HTTPS:
            raise AssetError(f"{self.name}: the provider names an address without TLS")
        if scheme not in SCHEMES or not host:
            raise AssetError(f"{self.name}: the provider names an address that is not http or https")
