# SPDX-License-Identifier: Apache-2.0
"""A storage that expires, breaks off, changes and lies, and a driver that downloads from it."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from callwell.core import download, parallel_download
from callwell.core.download import Download, DownloadDone, DownloadFailed, FetchRange, ReadBody, RequestUrl
from callwell.core.parallel_download import DownloadRound, RangeSplit
from callwell.core.storage_head import FileVersion, StorageHead

if TYPE_CHECKING:
    from callwell.core.ranges import ByteRange

MOST = 5_000
"""Actions after which a download of a few bytes is taken to go on for ever."""


class Turn(NamedTuple):
    """What storage does to one request.

    Attributes:
        status: instead of the file, or 0.
        cut: bytes after which the body breaks off; None for none.
        version: of the file, from now on.
        ranges: it honours `Range`.
        pinned: it honours `If-Range`.
        placed: it says where a part begins.
        sized: it says how long the body is.
        short: bytes of a part that it sends at most, and says so; None for all that were requested.
        totals: it says how long the file is where it sends a part.
        coded: it sends the file in another form, under the same tag, and says so.
    """

    status: int = 0
    cut: int | None = None
    version: int = 0
    ranges: bool = True
    pinned: bool = True
    placed: bool = True
    sized: bool = True
    short: int | None = None
    totals: bool = True
    coded: bool = False


class Request(NamedTuple):
    """A worker's request, and what is still to come of its response."""

    before: ByteRange
    span: ByteRange
    body: bytes
    status: int = 0


class Storage:
    """Versions of a file, and what becomes of each request, over and over again.

    Args:
        versions: of the file.
        turns: what becomes of each request.
        tags: the validators that it sends: `strong` or `weak` ETags, `dated` by a settled date, `weak-dated` by both of
            the latter, or `none`. A weak ETag never changes.
        announced: the provider announces the size.
        split: how the file may be fetched in pieces.
        order: the range that gets bytes next while several are fetched, over and over again.
        once: a URL is good for one request.
    """

    def __init__(
        self,
        versions: list[bytes],
        turns: list[Turn],
        *,
        tags: str = "strong",
        announced: bool = True,
        split: RangeSplit | None = None,
        order: list[int] | None = None,
        once: bool = False,
    ) -> None:
        self.versions = versions
        self.turns = turns
        self.tags = tags
        self.announced = announced
        self.split = split
        self.order = cycle(order or [0])
        self.once = once
        self.unused = False
        self.decoded = False
        self.rounds = 0
        self.count = 0
        self.sent = 0
        self.file = bytearray()

    def fetch(self) -> DownloadDone | DownloadFailed:
        """Download the file into `file`, as a driver would."""
        state = Download(split=self.split)
        action = RequestUrl()
        step: download.Action = action
        for _ in range(MOST):
            match step:
                case RequestUrl():
                    version = self.versions[self._turn().version]
                    state, step = download.accept_url(
                        state, len(version) if self.announced else None, single_use=self.once
                    )
                    self.unused = True
                case FetchRange():
                    assert self.unused, "a URL is used again"
                    self.unused = not self.once
                    state, step = self._serve(state, step)
                case ReadBody():
                    raise AssertionError("a body is read where it is opened")
                case DownloadDone() | DownloadFailed():
                    self.decoded = bool(state.codings)
                    return step
        raise AssertionError("the download never ends")

    @property
    def right(self) -> bool:
        """Whether the file is one version in one form, and known to be in that form."""
        forms = map(coded, self.versions) if self.decoded else self.versions
        return bytes(self.file) in forms

    def _turn(self) -> Turn:
        return self.turns[self.count % len(self.turns)]

    def _serve(self, state: Download, fetch: FetchRange) -> tuple[Download, download.Action]:
        head, body, cut = self._answer(fetch)
        state, step = download.accept_head(state, head)
        if not isinstance(step, ReadBody):
            return state, step
        if step.parallel:
            if not state.later_ranges:
                del self.file[step.offset :]
            return download.end_round(state, self._round(download.start_round(state), body[:cut]))
        del self.file[step.offset :]
        self.sent += len(body[:cut])
        self.file += body[:cut]
        for _ in body[:cut]:
            state = download.add_bytes(state, 1)
        return download.interrupt(state) if len(body[:cut]) < len(body) else download.end_body(state)

    def _answer(self, fetch: FetchRange) -> tuple[StorageHead, bytes, int | None]:
        """What storage says, the body that it begins to send, and where that breaks off."""
        turn = self._turn()
        self.count += 1
        data = self.versions[turn.version]
        coding = ("gzip",) if turn.coded else ()
        if turn.coded:
            data = coded(data)
        version = self._version(turn.version)
        if turn.status:
            return StorageHead(turn.status), b"", None
        asked = fetch.offset > 0 or fetch.stop is not None
        part = asked and turn.ranges and (not turn.pinned or fetch.if_range in (None, version.if_range))
        total = len(data) if turn.totals else None
        if part and fetch.offset >= len(data):
            return StorageHead(416, total=total, version=version), b"", None
        if not part:
            return StorageHead(200, len(data) if turn.sized else None, version=version, codings=coding), data, turn.cut
        body = data[fetch.offset : fetch.stop][: turn.short]
        length = len(body) if turn.sized else None
        if not turn.placed:
            return StorageHead(206, length, version=version, codings=coding), body, turn.cut
        stop = fetch.offset + len(body)
        return StorageHead(206, length, fetch.offset, version, total, stop, coding), body, turn.cut

    def _round(self, now: DownloadRound, body: bytes) -> DownloadRound:
        """Fetch several pieces, byte by byte, now of one and now of another."""
        self.rounds += 1
        now, first = parallel_download.take_range(now)
        workers = [Request(first, first, body)] if first else []
        for _ in range((self.split or RangeSplit()).parallel - 1):
            now, span = parallel_download.take_range(now)
            workers += [self._ask(now, span)] if span else []
        while workers:
            result = workers.pop(next(self.order) % len(workers))
            if result.body and result.span.start < result.span.stop:
                self.file += bytes(max(0, result.span.start + 1 - len(self.file)))
                self.file[result.span.start] = result.body[0]
                self.sent += 1
                now, span = parallel_download.add_bytes(now, result.span, 1)
                workers.append(result._replace(span=span, body=result.body[1:]))
                continue
            now, following = parallel_download.end_request(now, result.span, result.before, status=result.status)
            workers += [self._ask(now, following)] if following else []
        return now

    def _ask(self, now: DownloadRound, span: ByteRange) -> Request:
        head, body, cut = self._answer(FetchRange(span.start, now.version.if_range, 0, span.stop))
        fits = parallel_download.is_requested_range(now, span, head)
        return Request(span, span, body[:cut] if fits else b"", 0 if fits else head.status)

    def _version(self, version: int) -> FileVersion:
        if self.tags == "strong":
            return FileVersion(f'"{version}"')
        etag = 'W/"same"' if self.tags in ("weak", "weak-dated") else None
        if self.tags in ("dated", "weak-dated"):
            return FileVersion(etag, f"day {version}", has_strong_date=True)
        return FileVersion(etag)


def coded(data: bytes) -> bytes:
    """Another form of some bytes, longer by one."""
    return data.upper() + b"!"


turns = st.builds(
    Turn,
    status=st.sampled_from([0, 0, 0, 0, 400, 401, 403, 404, 416, 429, 500, 503]),
    cut=st.none() | st.integers(0, 12),
    version=st.integers(0, 2),
    ranges=st.booleans(),
    pinned=st.booleans(),
    placed=st.sampled_from([True, True, True, False]),
    sized=st.booleans(),
    short=st.none() | st.integers(1, 12),
    totals=st.booleans(),
    coded=st.sampled_from([False, False, False, True]),
)
scripts = st.lists(turns, min_size=1, max_size=12)
SIZES = st.tuples(*(st.integers(0, 20) for _ in "abc"))


def three(sizes: tuple[int, ...]) -> list[bytes]:
    """Three versions of these sizes, each of bytes of its own."""
    return [fill * size for fill, size in zip((b"a", b"b", b"c"), sizes, strict=True)]


versions = (SIZES | st.integers(0, 20).map(lambda size: (size,) * 3)).map(three)
