# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_asset_answers.py by tools/unasync.py; do not edit
"""Files from storage that redirects, compresses, is busy or too slow; and odd words of the provider."""

from __future__ import annotations

import functools
import gzip
import hashlib
import itertools
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.client.downloads.decoding import FileDecoder
from callwell.core.rules.operations import OperationRule
from tests.client._sync.scripted_client import connect
from tests.client.acme import KEY, acme
from tests.client.running import run
from tests.client.storage import CONTENT, SPLIT, URL, Storage, wanted
from tests.client.world import PIECE, ScriptedProvider, make_response

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.transport.base import NoReply, Request, Response

packed = functools.partial(gzip.compress, mtime=0)
"""As `gzip.compress`, without the time: parameters of tests have to be the same in every process."""

BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
CODINGS = {
    "gzip": packed(CONTENT),
    "x-gzip": packed(CONTENT[:1000]) + packed(CONTENT[1000:]),
    "deflate": zlib.compress(CONTENT),
    "Deflate": BARE.compress(CONTENT) + BARE.flush(),
    "gzip, gzip": packed(packed(CONTENT)),
    "deflate, gzip": packed(zlib.compress(CONTENT)),
}


class Coded(Storage):
    """A storage that sends its file compressed, and ranges of that.

    Args:
        coding: the names of its codings.
        coded: what it sends.
        facts: what the provider says about the file.
    """

    def __init__(self, coding: str, coded: bytes, *spoil: Any, **facts: Any) -> None:
        super().__init__(*spoil, **facts)
        self.content = coded
        self._coding = coding

    def right(self, request: Request, *, cut: int | None = None) -> Response:
        """What storage answers."""
        right = super().right(request, cut=cut)
        return replace(right, headers={**right.headers, "content-encoding": self._coding})


def save(storage: Any, path: Path, **options: Any) -> Any:
    """What saving gives or raises."""
    api = connect(ScriptedProvider(storage))
    try:
        return run(lambda: api.asset("things.file", thing_id="1").save(path, **options))
    except errors.CallwellError as error:
        assert list(path.parent.iterdir()) == []
        return error


@pytest.mark.parametrize("coding", CODINGS)
def test_what_comes_compressed_is_saved_as_it_was(tmp_path: Path, coding: str) -> None:
    """Though identity was requested: the file, its size and its checksum, and not what came over the wire."""
    storage = Coded(coding, CODINGS[coding])
    result = save(storage, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert (result.size, result.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert dict(storage.fetches[0].headers)["accept-encoding"] == "identity"


@pytest.mark.parametrize("size", [None, len(CODINGS["gzip"])])
def test_a_compressed_file_goes_on_where_it_broke_off(tmp_path: Path, size: int | None) -> None:
    """Ranges are those of the compressed form; a size that is announced for that form is met as well."""
    storage = Coded("gzip", CODINGS["gzip"], size=size)
    storage.spoil = [storage.cut(100), storage.cut(300)]
    save(storage, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert [wanted(fetch)[0] for fetch in storage.fetches] == [0, 100, 400]


def test_a_large_compressed_file_is_one_stream(tmp_path: Path) -> None:
    """Pieces of it cannot be decoded one by one."""
    storage = Coded("gzip", packed(CONTENT, 0))
    api = connect(ScriptedProvider(storage))
    asset = api.asset("things.file", thing_id="1")
    asset._split = SPLIT
    run(lambda: asset.save(tmp_path / "f"))
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_compressed_file_is_read_as_it_was() -> None:
    """Also where it breaks off and changes its mind about ranges."""
    storage = Coded("gzip", CODINGS["gzip"])
    storage.spoil = [storage.cut(100), lambda _: storage.right(storage.fetches[0])]
    api = connect(ScriptedProvider(storage))
    assert run(api.asset("things.file", thing_id="1").read) == CONTENT


@pytest.mark.parametrize(
    ("coding", "coded", "expected", "words"),
    [
        ("br", b"whatever", errors.AssetError, "in an unsupported content coding (br)"),
        (
            "gzip",
            b"not compressed at all",
            errors.AssetDamaged,
            "its bytes do not fit the Content-Encoding it names (gzip)",
        ),
        ("gzip", CODINGS["gzip"][:-9], errors.AssetDamaged, "not what the provider announced"),
        ("deflate", CODINGS["deflate"] + b"more", errors.AssetDamaged, "not what the provider announced"),
        (
            "gzip",
            packed(b"short"),
            errors.AssetDamaged,
            "(262144 bytes announced): 25 compressed bytes decode to 5 only",
        ),
    ],
)
def test_what_cannot_be_decoded_is_not_saved(
    tmp_path: Path, coding: str, coded: bytes, expected: type, words: str
) -> None:
    """Another coding, another form than was said, half of one, or another size."""
    error = save(Coded(coding, coded), tmp_path / "f")
    assert type(error) is expected
    assert words in str(error)


def test_little_that_becomes_much_comes_in_pieces() -> None:
    """A megabyte at a time, whatever it was compressed from."""
    sizes = [len(piece) for _, piece in FileDecoder(["gzip"]).decode(0, packed(bytes(40 << 20)))]
    assert (sum(sizes), max(sizes)) == (40 << 20, 1 << 20)


class Moved:
    """A storage behind redirects.

    Args:
        storage: the storage.
        hops: where each request to it leads first, one after the other.
        status: of the redirects.
    """

    def __init__(self, storage: Storage, *hops: str, status: int = 302) -> None:
        self.storage = storage
        self.hops = {URL + "1": hops[0]} | dict(itertools.pairwise(hops))
        self.status = status
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Response | NoReply:
        """The next hop, or what the storage answers."""
        self.requests.append(request)
        if request.url in self.hops:
            return make_response(self.status, b"moved", location=self.hops[request.url])
        return self.storage(request)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_without_the_key(tmp_path: Path, status: int) -> None:
    """To another host, by a relative address, and again after a break, with the range."""
    storage = Storage()
    storage.spoil = [storage.cut(PIECE)]
    moved = Moved(storage, "https://mirror.test/a?sig=2", "/b", status=status)
    moved.hops["https://mirror.test/a?sig=2"] = "/b"
    moved.hops["https://mirror.test/b"] = "https://storage.test/final"
    assert save(moved, tmp_path / "f").size == len(CONTENT)
    assert [wanted(fetch) for fetch in storage.fetches] == [(0, None), (PIECE, None)]
    assert {fetch.url for fetch in storage.fetches} == {"https://storage.test/final"}
    shown = [dict(request.headers) for request in moved.requests[1:]]
    assert not any("authorization" in headers or KEY in str(headers) for headers in shown)
    assert storage.urls == 1


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://storage.test/f", "redirects to an address without TLS"),
        ("file:///etc/passwd", "redirects to an address that is not http or https"),
        ("//[", "redirects to an address that is not http or https"),
        (f"{URL}1", "redirected more than 10 times"),
        ("", "refused it (HTTP 302)"),
    ],
)
def test_a_redirect_that_leads_astray(tmp_path: Path, location: str, words: str) -> None:
    """Down to plain HTTP, out of the web, in a circle or nowhere: an error without the signature."""
    error = save(Moved(Storage(), location), tmp_path / "f")
    assert type(error) is errors.AssetError
    assert words in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("size", [str(len(CONTENT)), float(len(CONTENT))])
def test_a_size_is_understood_as_text(tmp_path: Path, size: object) -> None:
    """It is announced, and has to be met."""
    assert save(Storage(size=size), tmp_path / "f").size == len(CONTENT)
    (tmp_path / "f").unlink()
    short = Storage(*[make_response(200, b"short", content_length="5")] * 50, size=size)
    assert isinstance(save(short, tmp_path / "f"), errors.AssetDamaged)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"size": "many"}, "announces a size that is not a number of bytes: 'many'"),
        ({"size": -1}, "announces a size that is not a number of bytes: -1"),
        ({"url": {"href": URL}}, "something other than a string where the URL should be"),
        ({"url": "/files/1"}, "an address without TLS"),
    ],
)
def test_what_the_provider_says_is_read_or_refused(tmp_path: Path, facts: Any, words: str) -> None:
    """Never ignored: a size that is not understood would not be met, and an invalid address is not a missing file."""
    storage = Storage(**facts)
    error = save(storage, tmp_path / "f")
    assert type(error) is errors.AssetError
    assert words in str(error)
    assert storage.fetches == []


def test_a_file_that_was_not_captured_is_reported_in_text(tmp_path: Path) -> None:
    """`"false"` is false."""
    error = save(Storage(url=None, captured="false"), tmp_path / "f")
    assert isinstance(error, errors.AssetUnavailable)
    assert error.captured is False


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("value", "seconds"), [("30", 30.0), ("Sat, 07 Feb 2026 10:00:40 GMT", 40.0)])
def test_what_the_storage_asks_for_is_waited_for(tmp_path: Path, status: int, value: str, seconds: float) -> None:
    """In both forms of `Retry-After`, and never less than the own pace."""
    busy = make_response(status, b"", retry_after=value, date="Sat, 07 Feb 2026 10:00:00 GMT")
    world = ScriptedProvider(Storage(busy, busy))
    api = connect(world)
    run(lambda: api.asset("things.file", thing_id="1").save(tmp_path / "f"))
    assert world.times == pytest.approx([0.0, 0.0, seconds, 2 * seconds])


def test_pieces_wait_as_the_storage_asks(tmp_path: Path) -> None:
    """A worker that is sent away ends the round, and the next one begins after the wait."""
    world = ScriptedProvider(storage := Storage())
    storage.spoil_at = {3 * SPLIT.range_bytes: [make_response(503, b"", retry_after="50")]}
    api = connect(world)
    asset = api.asset("things.file", thing_id="1")
    asset._split = SPLIT
    run(lambda: asset.save(tmp_path / "f"))
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert max(world.times) >= 50.0


def test_a_wait_beyond_the_deadline_is_not_begun(tmp_path: Path) -> None:
    """The error comes at once, with the last cause."""
    world = ScriptedProvider(Storage(make_response(503, b"", retry_after="100")))
    api = connect(world).with_options(deadline_s=60.0)
    with pytest.raises(errors.WouldExceedDeadline, match=r"in 100 s, after the deadline \(last: HTTP 503\)") as late:
        run(lambda: api.asset("things.file", thing_id="1").save(tmp_path / "f"))
    assert (late.value.wait_s, late.value.last_error) == (100.0, "HTTP 503")
    assert world.times == [0.0, 0.0]


def test_a_wait_without_any_deadline_is_no_longer_than_a_call(tmp_path: Path) -> None:
    """Who set none still does not wait a day, except for batch work, which has the time."""
    storage = Storage(make_response(503, b"", retry_after="86400"))
    with pytest.raises(errors.WouldExceedDeadline, match=r"in 86400 s, which is longer than a call may take"):
        run(lambda: connect(ScriptedProvider(storage)).asset("things.file", thing_id="1").save(tmp_path / "f"))
    storage.spoil = [make_response(503, b"", retry_after="86400")]
    world = ScriptedProvider(storage)
    run(lambda: connect(world, priority="batch").asset("things.file", thing_id="1").save(tmp_path / "f"))
    assert world.times[-1] == 86_400.0


@pytest.mark.parametrize("type_", ["video/webm", "application/json"])
def test_a_web_page_is_no_video(tmp_path: Path, type_: str) -> None:
    """What a proxy or a login page answers is not saved under the file's name."""
    page = make_response(200, b"<html>Please log in</html>", content_type="text/html; charset=utf-8")
    error = save(Storage(*[page] * 9, size=None, type=type_), tmp_path / "f")
    assert "sends a web page instead of the file (HTTP 200)" in str(error)


@pytest.mark.parametrize(
    ("name", "is_page"), [("{thing_id}.mp4", True), ("{thing_id}.html", False), ("{thing_id}", False)]
)
def test_the_name_of_a_file_says_what_it_is(tmp_path: Path, name: str, *, is_page: bool) -> None:
    """Where the provider announces no type, the end of the name in the profile does."""
    rule = acme().rule("things.file").asset
    assert rule is not None
    provider = acme(operations={"things.file": OperationRule(asset=replace(rule, name=name))})
    page = make_response(200, b"<html></html>", content_type="text/html")
    world = ScriptedProvider(Storage(*[page] * 9, size=None, type=None))
    asset = connect(world, provider=provider).asset("things.file", thing_id="1")
    if not is_page:
        assert run(lambda: asset.save(tmp_path / "f")).size == 13
        return
    with pytest.raises(errors.AssetError, match="a web page instead of the file"):
        run(lambda: asset.save(tmp_path / "f"))


@pytest.mark.parametrize("type_", ["text/html", "text/plain", "html", None])
def test_a_web_page_may_be_the_file(tmp_path: Path, type_: str | None) -> None:
    """Where the provider does not say otherwise."""
    page = make_response(200, b"<html></html>", content_type="text/html")
    assert save(Storage(page, size=None, type=type_), tmp_path / "f").size == 13


@pytest.mark.parametrize("method", ["read", "save", "iter_bytes", "open"])
@pytest.mark.parametrize("chosen", [True, False])
def test_the_deadline_holds_for_the_whole(tmp_path: Path, method: str, chosen: bool) -> None:  # noqa: FBT001 - drawn
    """However many attempts there are, and whatever time each of them takes."""
    storage = Storage()
    storage.spoil = [storage.cut(PIECE * part // 4) for part in range(1, 16)]
    world = ScriptedProvider(storage, took=4.0)
    item = connect(world)
    given: dict[str, Any] = {} if chosen else {"deadline_s": 20.0}
    item = item.with_options(deadline_s=20.0) if chosen else item
    asset = item.asset("things.file", thing_id="1")

    def work() -> None:
        if method == "save":
            asset.save(tmp_path / "f", **given)
        elif method == "read":
            asset.read(**given)
        elif method == "open":
            with asset.open(**given) as file:
                file.read()
        else:
            for _ in asset.iter_bytes(**given):
                pass

    with pytest.raises(errors.OutOfTime, match="deadline"):
        run(work)
    assert world.clock.now() - 1000.0 <= 24.0
    within = [sent.request.total_timeout_s for sent in world.sent[1:]]
    assert within
    assert None not in within


def test_the_usual_deadline_of_a_call_is_not_that_of_a_file(tmp_path: Path) -> None:
    """A large file takes longer than a minute; only a deadline of its own ends it."""
    storage = Storage()
    storage.spoil = [storage.cut(PIECE // 2) for _ in range(6)]
    world = ScriptedProvider(storage, took=30.0)
    api = connect(world)
    run(lambda: api.asset("things.file", thing_id="1").save(tmp_path / "f"))
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert {sent.request.total_timeout_s for sent in world.sent} == {None}


def test_a_reader_is_given_one_version_without_any_tags() -> None:
    """A file that is begun again is compared with what was given out: the same goes on, another ends it."""
    storage = Storage()
    storage.etag = ""
    storage.spoil = [storage.cut(PIECE + 5), storage.cut(3)]
    api = connect(ScriptedProvider(storage))
    assert run(api.asset("things.file", thing_id="1").read) == CONTENT

    storage.spoil = [
        storage.cut(PIECE + 5),
        lambda _: make_response(200, CONTENT[::-1], content_length=str(len(CONTENT))),
    ]
    with pytest.raises(errors.AssetDamaged, match="the file changed while it was read"):
        run(api.asset("things.file", thing_id="1").read)


@pytest.mark.parametrize("etag", ['"two"', ""])
def test_a_reader_is_given_one_version_with_tags(etag: str) -> None:
    """A whole response to a range under the same tag goes on; under another one, or none, it does not."""
    storage = Storage()
    storage.spoil = [storage.cut(PIECE + 5), lambda _: storage.right(storage.fetches[0])]
    api = connect(ScriptedProvider(storage))
    assert run(api.asset("things.file", thing_id="1").read) == CONTENT

    def other(_: Request) -> Response:
        return make_response(200, CONTENT, content_length=str(len(CONTENT)), etag=etag)

    storage.spoil = [storage.cut(PIECE + 5), other]
    with pytest.raises(errors.AssetDamaged, match="the file changed while it was read"):
        run(api.asset("things.file", thing_id="1").read)


def test_a_reader_is_not_given_less_than_it_has() -> None:
    """A file that is shorter than what was given out is another one."""
    storage = Storage(size=None)
    storage.etag = ""
    storage.spoil = [storage.cut(PIECE), make_response(200, CONTENT[:9], content_length="9")]
    api = connect(ScriptedProvider(storage))
    with pytest.raises(errors.AssetDamaged, match="the file changed while it was read"):
        run(api.asset("things.file", thing_id="1").read)
