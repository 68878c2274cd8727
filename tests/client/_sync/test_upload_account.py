# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_upload_account.py by tools/unasync.py; do not edit
"""What a provider says it has is compared with what was sent, and what an error says about going on is true."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.client.uploads.options import Uploaded
from callwell.core.rules.environments import SandboxRule
from callwell.core.rules.operations import UntilRule
from callwell.state import MemoryState
from callwell.state.sqlite import SqliteState
from tests.client._sync.test_upload import COUNT, LEN, lost, sent
from tests.client.vault import PIECE, SMALL, Vault, vault
from tests.client.world import LOST, make_error_response, make_response

if TYPE_CHECKING:
    from pathlib import Path

STATE = UntilRule(at="state", values=("whole",))
SAYING: Any = {"state": STATE, "size": "size", "checksum": "md5", "checksum_kind": "md5"}
MD5 = hashlib.md5(SMALL, usedforsecurity=False).hexdigest()


class Telling(Vault):
    """A provider that says more of what it has.

    Args:
        more: what its status says beside the pieces.
        spoil: as in `Vault`.
    """

    def __init__(self, more: dict[str, Any], spoil: dict[tuple[str, int], Any] | None = None) -> None:
        super().__init__(spoil)
        self.more = more

    def _status(self, request: Any, path: str) -> Any:
        error_text = super()._status(request, path)
        film = path.split("/")[2]
        if film not in self.films:
            return error_text
        parts = sorted(self.films[film])
        return make_response(200, {"parts": parts, "total": self.totals.get(film), **self.more})


def files() -> list[Any]:
    """The same film as bytes, as a file and as a stream."""
    return [SMALL, io.BytesIO(SMALL), iter([SMALL[:2000], SMALL[2000:]])]


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"state": "whole", "size": LEN, "md5": MD5},
        {"state": "whole", "size": str(LEN), "md5": f'"{MD5.upper()}"'},
        {"state": None, "size": None, "md5": None},
    ],
)
def test_what_fits_is_done(number: int, more: dict[str, Any]) -> None:
    """One question at the end, whatever kind of file it is; what is not said is not a difference."""
    there = Telling(more)
    done = sent(there, files()[number], provider=vault(**SAYING))
    assert isinstance(done, Uploaded)
    assert there.asked.count("status") == 1


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"state": "whole", "size": LEN - 1}, "size"),
        ({"state": "whole", "size": str(LEN + 1)}, "size"),
        ({"size": 0}, "size"),
        ({"state": "whole", "size": LEN, "md5": MD5[::-1]}, "checksum"),
        ({"state": "whole", "parts": [1, 2]}, "pieces"),
        ({"state": "coming"}, "state"),
    ],
)
def test_what_does_not_fit_is_an_error(number: int, more: dict[str, Any], what: str) -> None:
    """It says what differs and names the object."""
    failed = sent(Telling(more), files()[number], provider=vault(**SAYING))
    assert isinstance(failed, errors.UploadMismatch)
    assert (failed.target, failed.what) == ("f1", what)
    assert "f1" in str(failed)
    assert failed.sent != failed.found


def test_another_object_is_made_after_a_difference() -> None:
    """The one that differs cannot be mended; one that is not settled yet is looked at again."""
    state = MemoryState()
    there = Telling({"state": "whole", "size": 1})
    assert sent(there, state=state, provider=vault(**SAYING)).target == "f1"
    there.more = {}
    assert sent(there, state=state, provider=vault(**SAYING)).target == "f2"
    there.more = {"state": "coming"}
    assert sent(there, state=state, provider=vault(**SAYING)).what == "state"
    there.more = {"state": "whole"}
    done = sent(there, state=state, provider=vault(**SAYING))
    assert (done.target, there.asked.count("send")) == ("f3", 3 * COUNT)


def test_an_environment_that_cuts_files_has_another_size() -> None:
    """That is not a difference, unless the file is surely shorter than the cut."""
    there = Telling({"state": "whole", "size": 1})
    cutting = vault(**SAYING, sandbox=SandboxRule(cut_s=30))
    assert isinstance(sent(there, provider=cutting), Uploaded)


READY = {"ready": UntilRule(at="ready", values=(True,), failed_at="made.state", failed=("failed",), pending=("busy",))}


def test_a_wait_ends_when_the_provider_has_failed() -> None:
    """At once, with the provider's word for it; while it is still at work, it is waited for."""
    there = Telling({"ready": False, "made": [{"state": "failed"}, {"state": "done"}]})
    failed = sent(there, wait="ready", provider=vault(until=READY))
    assert (type(failed), failed.target, failed.state) == (errors.ProcessingFailed, "f1", "failed")
    assert there.asked.count("status") == 1
    there = Telling({"ready": False, "made": [{"state": "failed"}, {"state": "busy"}]})
    failed = sent(there, wait="ready", provider=vault(until=READY), deadline_s=50.0)
    assert type(failed) is errors.DeadlineExceeded


def test_a_wait_that_was_too_short_is_gone_on_with() -> None:
    """The same call waits on, and sends nothing again; when it is over, nothing is remembered."""
    there = Telling({"ready": False})
    state = MemoryState()
    assert type(sent(there, state=state, wait="ready", deadline_s=50.0)) is errors.DeadlineExceeded
    there.more = {"ready": True}
    done = sent(there, state=state, wait="ready")
    assert (done.target, there.asked.count("send"), there.asked.count("make")) == ("f1", COUNT, 1)
    assert state.keys("upload:") == []


def forgotten(*numbers: int) -> Any:
    """A piece is answered as if it were kept, and some are thrown away."""

    class Forgetful(Vault):
        """Forgets."""

        def _send(self, request: Any, path: str) -> Any:
            error_text = super()._send(request, path)
            if self.asked.count("send") == COUNT:
                for number in numbers:
                    self.films["f1"].pop(number, None)
            return error_text

    return Forgetful()


@pytest.mark.parametrize("numbers", [(1,), (COUNT,), (2, 4), tuple(range(1, COUNT + 1))])
def test_what_the_provider_has_forgotten_goes_again(numbers: tuple[int, ...]) -> None:
    """Its account wins over its responses, after it was asked twice; the report says what that cost."""
    there = forgotten(*numbers)
    done = sent(there)
    assert (there.whole("f1"), done.pieces) == (SMALL, COUNT)
    again = sum(min(PIECE, LEN - (number - 1) * PIECE) for number in numbers)
    assert (done.resent, there.asked.count("send")) == (again, COUNT + len(numbers))
    assert there.asked.count("status") == 3


def test_a_forgotten_piece_of_a_stream_is_an_error() -> None:
    """Its bytes are gone: no others are sent in their place, and no message says that the same call goes on."""
    failed = sent(forgotten(2), iter([SMALL]))
    assert isinstance(failed, errors.UploadStopped)
    assert "has lost piece 2" in str(failed)
    assert "goes on" not in str(failed)


def test_the_figures_of_an_earlier_call_count() -> None:
    """A piece that was lost by the call that was interrupted, and the one that it had begun."""
    there = Vault({("send", 2): lost, ("status", 1): make_error_response(403, "NO")})
    state = MemoryState()
    assert isinstance(sent(there, state=state, pieces=1), errors.UploadStopped)
    del there.films["f1"][2]
    done = sent(there, state=state, pieces=1)
    assert (done.pieces, done.resent) == (COUNT, PIECE)


@pytest.mark.parametrize("pieces", [1, 2, 4])
def test_refusals_do_not_multiply_questions(pieces: int) -> None:
    """However many pieces are refused at once, they are asked about together."""
    there = Vault({("send", number): make_response(503) for number in range(1, pieces + 1)})
    done = sent(there, pieces=pieces)
    assert there.whole("f1") == SMALL
    assert isinstance(done, Uploaded)
    assert there.asked.count("status") <= 1 + pieces


def test_what_is_said_about_going_on_is_true(tmp_path: Path) -> None:
    """By this client or by any, with which option, or not at all."""
    shared = SqliteState(str(tmp_path / "state.db"))
    try:
        error_text = str(sent(Vault({("send", 3): make_error_response(403, "NO")}), state=shared, pieces=1))
    finally:
        shared.close()
    assert error_text.endswith("f1 has 2 of 5 pieces: once the provider accepts piece 3, the same call continues it")
    error_text = str(sent(Vault({("send", 3): make_error_response(403, "NO")}), pieces=1))
    assert error_text.endswith("the same call by this client continues it")
    error_text = str(sent(Vault({("send", number): LOST for number in range(3, 99)}), pieces=1))
    assert error_text.endswith("f1 has 2 of 5 pieces: the same call by this client continues it")
    error_text = str(sent(Vault({("send", 3): make_error_response(403, "NO")}), pieces=1, resume=False))
    assert error_text.endswith("the same call with resume=True continues it")
    error_text = str(sent(Vault({("send", 3): make_error_response(403, "NO")}), iter([SMALL]), pieces=1))
    assert error_text.endswith("a stream cannot be resumed, so delete it and send everything again")
    error_text = str(sent(Vault({("send", 3): make_error_response(404, "NO")}), pieces=1))
    assert error_text.endswith("it is gone, and the same call creates another one")
    there = Vault({("send", 3): make_error_response(404, "NO")})
    there.films["mine"] = {}
    assert str(sent(there, film_id="mine", pieces=1)).endswith("it is gone")


class Failing(MemoryState):
    """A state on a disk that is full after some positions are stored."""

    left = 3

    def update(self, cell: Any, change: Any) -> Any:
        """Replace a record, while there is room."""
        if cell.key.startswith("upload:"):
            self.left -= 1
            if self.left < 0:
                raise errors.StateError("the disk is full")
        return super().update(cell, change)

    def remove(self, prefix: str) -> None:
        """Forget records, while there is room."""
        if prefix.startswith("upload:"):
            raise errors.StateError("the disk is full")
        super().remove(prefix)


def test_a_state_that_fails_in_the_middle_costs_no_upload(caplog: pytest.LogCaptureFixture) -> None:
    """The file is still sent; that its position is not stored is logged, once."""
    there = Vault()
    done = sent(there, state=Failing())
    assert (done.target, there.whole("f1")) == ("f1", SMALL)
    assert sum("could not be stored: the disk is full" in line for line in caplog.messages) == 2
    error_text = str(sent(Vault({("send", 4): make_error_response(403, "NO")}), state=Failing(), pieces=1))
    assert error_text.endswith("so the same call may send some pieces again")
