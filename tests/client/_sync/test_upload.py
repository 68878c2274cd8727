# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_upload.py by tools/unasync.py; do not edit
"""Large files in pieces: whole in the end, nothing twice, resumed by the same call; what is left behind is named."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from callwell import errors
from callwell.client.uploads.options import Uploaded
from callwell.core.rules.environments import SandboxRule
from callwell.state import MemoryState
from tests.client._sync.scripted_client import connect
from tests.client.running import run
from tests.client.vault import PIECE, SMALL, Vault, vault
from tests.client.world import LOST, REFUSED, ScriptedProvider, count_held, make_error_response, make_response

if TYPE_CHECKING:
    from collections.abc import Iterator

LEN = len(SMALL)
COUNT = -(-LEN // PIECE)


def lost(_reply: Any) -> Any:
    """It was done, and the response is lost."""
    return LOST


def sent(world: Vault, file: Any = SMALL, operation: str = "films.send", **given: Any) -> Any:
    """What an upload gives or raises; afterwards nothing is lent."""
    options = {name: given.pop(name) for name in ("provider", "state") if name in given}
    api = connect(ScriptedProvider(world), **{"provider": vault(), "state": MemoryState()} | options)
    arguments = {"piece_size": PIECE, "check": False, "pieces": 2} | given
    if operation == "films.send" and "film_id" not in arguments:
        arguments = {"title": "film"} | arguments

    def work() -> Any:
        with api:
            return api.upload(operation, file, **arguments)

    try:
        return run(work)
    except Exception as error:  # noqa: BLE001 - it is looked at
        return error
    finally:
        assert count_held(api) == 0


def test_a_file_goes_in_pieces() -> None:
    """An object is made, each piece is sent once, and the last response is the result."""
    there = Vault()
    reported = list[int]()
    done = sent(there, progress=reported.append)
    assert done == Uploaded("f1", {"filmId": "f1", "title": "t", "length": 1}, LEN, COUNT, 0, ())
    assert there.whole("f1") == SMALL
    assert there.asked == ["make", *["send"] * COUNT, "status"]
    assert (max(reported), len(reported)) == (LEN, COUNT)


def test_an_object_that_is_there_gets_the_file() -> None:
    """None is made then, and what one would be made of is refused."""
    there = Vault()
    there.films["mine"] = {}
    assert sent(there, film_id="mine").target == "mine"
    assert there.asked == [*["send"] * COUNT, "status"]
    refused = sent(there, film_id="mine", title="film")
    assert isinstance(refused, errors.InvalidOption)
    assert refused.name == "title"


@pytest.mark.parametrize("nth", range(1, COUNT + 1))
@pytest.mark.parametrize(
    "fate", [LOST, lost, make_response(500), lambda _: make_response(500), REFUSED, make_error_response(429, "SLOW")]
)
def test_what_is_lost_is_queried(nth: int, fate: Any) -> None:
    """Whether it arrived or not, whatever was said: each piece is there once, and none is refused."""
    there = Vault({("send", nth): fate})
    done = sent(there, pieces=1)
    assert isinstance(done, Uploaded)
    assert there.whole("f1") == SMALL
    assert "THERE" not in str(done)
    sure = fate is REFUSED or getattr(fate, "status", 0) == 429
    last = callable(fate) and nth == COUNT  # then the response is that all of it is there
    assert there.asked.count("status") == (1 if sure or last else 2)


def test_what_arrives_after_all_is_no_error() -> None:
    """The provider says that it is not there, then it is: the second copy is refused, which is success."""
    late = Vault({("send", 2): lost, ("status", 1): make_response(200, {"parts": [1], "total": COUNT})})
    done = sent(late, pieces=1)
    assert (late.whole("f1"), done.resent) == (SMALL, PIECE)
    last = Vault({("send", COUNT): lost, ("status", 1): make_response(200, {"parts": [1, 2, 3, 4], "total": COUNT})})
    done = sent(last, pieces=1)
    assert (last.whole("f1"), done.answer["title"], last.asked[-1]) == (SMALL, "asked", "get")


def test_a_piece_that_somebody_else_sent_is_an_error() -> None:
    """A refused duplicate that was never in doubt may be another upload's: the error names the object."""
    there = Vault()
    there.films["mine"] = {3: b"theirs"}
    failed = sent(there, film_id="mine", pieces=1)
    assert isinstance(failed, errors.UploadStopped)
    assert (failed.target, failed.confirmed, failed.pieces) == ("mine", 2, COUNT)
    assert isinstance(failed.__cause__, errors.BadRequest)
    assert "mine has 2 of 5 pieces" in str(failed)


def test_what_was_interrupted_goes_on_by_the_same_call() -> None:
    """In the same object, with the pieces that are missing; afterwards nothing is remembered."""
    there = Vault({("send", 3): make_error_response(403, "NO")})
    state = MemoryState()
    assert sent(there, state=state, pieces=1).target == "f1"
    assert len(state.keys("upload:")) == 1
    reported = list[int]()
    done = sent(there, state=state, progress=reported.append)
    assert (done.target, done.pieces, there.whole("f1")) == ("f1", COUNT, SMALL)
    assert there.asked == ["make", "send", "send", "send", "status", "send", "send", "send", "status"]
    assert (reported[0], max(reported)) == (2 * PIECE, LEN)
    assert state.keys("upload:") == []


def test_another_call_is_another_upload() -> None:
    """With other arguments, another file, or `resume=False`."""
    there = Vault({("send", 3): make_error_response(403, "NO")})
    state = MemoryState()
    sent(there, state=state, pieces=1)
    assert sent(there, state=state, title="other").target == "f2"
    assert sent(there, SMALL + b"1", state=state).target == "f3"
    assert sent(there, state=state, resume=False).target == "f4"


def test_an_object_that_vanished_is_made_again() -> None:
    """But not one that the caller has named."""
    there = Vault({("send", 3): make_error_response(403, "NO")})
    state = MemoryState()
    sent(there, state=state, pieces=1)
    del there.films["f1"]
    assert there.whole(sent(there, state=state).target) == SMALL
    named = Vault({("send", 3): make_error_response(403, "NO")})
    state = MemoryState()
    named.films["mine"] = {}
    sent(named, state=state, pieces=1, film_id="mine")
    del named.films["mine"]
    failed = sent(named, state=state, film_id="mine")
    assert (type(failed), type(failed.__cause__)) == (errors.UploadStopped, errors.NotFound)


def test_an_object_of_another_upload_is_not_touched() -> None:
    """The provider expects another number of pieces."""
    there = Vault({("send", 3): make_error_response(403, "NO")})
    state = MemoryState()
    sent(there, state=state, pieces=1)
    there.totals["f1"] = 7
    failed = sent(there, state=state)
    assert isinstance(failed, errors.UploadStopped)
    assert "other pieces" in str(failed)


def test_a_provider_that_always_loses_it_ends_it() -> None:
    """After as many times as any call, and the object is named."""
    there = Vault({("send", number): LOST for number in range(1, 40)})
    failed = sent(there, pieces=1)
    assert (failed.target, failed.confirmed, there.asked.count("send")) == ("f1", 0, 6)
    assert isinstance(failed.__cause__, errors.OutcomeUnknown)


def test_a_delegated_upload_names_its_object_from_the_second_piece_on() -> None:
    """The first goes alone; a lost response to it cannot be looked up, one to another can."""
    there = Vault()
    assert sent(there, operation="films.delegate", token="t").target == "f1"
    assert (there.whole("f1"), len(there.films)) == (SMALL, 1)
    assert isinstance(sent(Vault({("send", 1): lost}), operation="films.delegate", token="t"), errors.OutcomeUnknown)
    later = Vault({("send", 2): lost, ("status", 1): make_error_response(401, "NO")})
    assert later.whole(sent(later, operation="films.delegate", token="t").target) == SMALL


def test_a_stream_is_sent_as_it_comes() -> None:
    """Its last piece says how many there are; a lost one is sent again from where it was kept."""

    def awaited() -> Iterator[bytes]:
        for start in range(0, LEN, 7):
            yield SMALL[start : start + 7]

    for file in (awaited(), iter([SMALL[:1], b"", SMALL[1:]]), io.BytesIO(SMALL), [SMALL]):
        there = Vault({("send", 2): LOST, ("send", 4): lost})
        done = sent(there, file)
        assert (there.whole("f1"), done.pieces, done.size) == (SMALL, COUNT, LEN)
    exact = Vault()
    assert (sent(exact, iter([SMALL[: 2 * PIECE]])).pieces, exact.totals["f1"]) == (2, 2)


def test_a_stream_that_is_too_long_is_refused_and_named() -> None:
    """When that is known; one that is empty before anything is made."""
    there = Vault()
    failed = sent(there, iter([SMALL, SMALL]))
    assert (type(failed), failed.target) == (errors.FileRejected, "f1")
    assert there.asked.count("send") == 7
    assert isinstance(sent(there, iter([b""])), errors.FileRejected)
    assert isinstance(sent(there, 7), errors.InvalidOption)
    assert isinstance(sent(there, iter([b"a"]), provider=vault(unknown_total=None)), errors.InvalidOption)


def test_bad_input_is_found_before_anything_is_sent(tmp_path: Any) -> None:
    """Files that are none, options and arguments that cannot be."""
    text = tmp_path / "talk.mp4"
    text.write_text("just a string\n" * 100)
    (tmp_path / "empty.mp4").touch()
    there = Vault()
    media = vault(max_duration_s=60.0)
    for file, options, error in (
        (tmp_path, {}, errors.FileRejected),
        (tmp_path / "empty.mp4", {}, errors.FileRejected),
        (b"", {}, errors.FileRejected),
        (tmp_path / "none.mp4", {}, errors.FileProblem),
        (SMALL * 2, {"check": True}, errors.FileRejected),
        (text, {"check": True, "provider": media}, errors.FileRejected),
        (SMALL, {"title": "a title too long"}, errors.InvalidOption),
        (SMALL, {"title": None}, errors.InvalidOption),
        (SMALL, {"nonsense": 1}, errors.UnknownName),
        (SMALL, {"film_id": 7}, errors.InvalidOption),
        (SMALL, {"pieces": 0}, errors.InvalidOption),
        (SMALL, {"piece_size": 1}, errors.InvalidOption),
        (SMALL, {"wait": "nonsense"}, errors.UnknownName),
        (SMALL, {"deadline_s": -1}, errors.InvalidOption),
        (SMALL * 2 + SMALL, {}, errors.InvalidOption),
        (SMALL, {"operation": "films.get"}, errors.InvalidOption),
    ):
        assert isinstance(sent(there, file, **options), error), (file, options)
    assert there.asked == []


def test_a_file_that_changes_while_it_is_sent(tmp_path: Any) -> None:
    """The error names the object, and the next call begins again."""
    path = tmp_path / "film.mp4"
    state = MemoryState()
    reported = list[int]()
    path.write_bytes(SMALL)

    def change(count: int) -> None:
        reported.append(count)
        if len(reported) == 2:
            path.write_bytes(SMALL[:-1])

    there = Vault()
    failed = sent(there, path, state=state, pieces=1, progress=change)
    assert (type(failed), failed.target, len(there.films["f1"])) == (errors.FileChanged, "f1", 2)
    assert state.keys("upload:") == []
    assert there.whole(sent(there, path, state=state).target) == SMALL[:-1]


def test_what_the_caller_raises_ends_it() -> None:
    """In the function for progress; and the same call goes on."""
    there = Vault()
    state = MemoryState()

    def enough(count: int) -> None:
        if count > 2 * PIECE:
            raise RuntimeError("enough")

    assert isinstance(sent(there, state=state, pieces=1, progress=enough), RuntimeError)
    assert len(there.films["f1"]) == 2
    assert sent(there, state=state).target == "f1"


def test_a_state_is_waited_for() -> None:
    """With longer and longer pauses, and no longer than the deadline."""
    there = Vault()
    there.ready_after = 3
    assert sent(there, wait="ready").target == "f1"
    assert there.asked.count("status") == 4
    never = Vault()
    never.ready_after = 10**6
    failed = sent(never, wait="ready", deadline_s=100.0)
    assert (type(failed), failed.outcome) == (errors.DeadlineExceeded, "done")
    assert "f1 was sent" in str(failed)
    assert 8 <= never.asked.count("status") <= 10


def test_a_quota_is_waited_for_and_a_deadline_kept() -> None:
    """Each piece takes a permit; a wait that does not fit is reported, with what is there so far."""
    there = Vault()
    assert isinstance(sent(there, provider=vault(limit=2), pieces=1), Uploaded)
    failed = sent(Vault(), provider=vault(limit=2), pieces=1, deadline_s=30.0)
    assert (failed.target, failed.confirmed) == ("f1", 2)
    assert isinstance(failed.__cause__, errors.WouldExceedDeadline)


def test_an_environment_for_trials_says_what_it_does() -> None:
    """What is cut is not known of a file that was not looked at."""
    rule = SandboxRule(cut_s=30, watermark=True, kept_s=86_400)
    done = sent(Vault(), provider=vault(sandbox=rule))
    assert [warning.kind for warning in done.warnings] == ["cut", "watermark", "deleted"]
    assert done.warnings[2].at == pytest.approx(1_700_000_000 + 86_400, abs=60)
    assert "2023-11-15" in done.warnings[2].message


def test_an_answer_without_a_name_ends_it() -> None:
    """Nothing can be sent to what has none."""
    assert isinstance(sent(Vault({("make", 1): make_response(201, {})})), errors.UploadError)
    bare = Vault({("send", 1): make_response(201, {})})
    assert isinstance(sent(bare, operation="films.delegate", token="t"), errors.UploadError)


def test_a_broken_answer_means_that_the_piece_is_there() -> None:
    """It was done, and it is not sent again."""
    there = Vault({("send", 2): lambda error_text: replace(error_text, body=b"{", whole=False)})
    assert there.whole(sent(there).target) == SMALL
    assert there.asked.count("send") == COUNT
