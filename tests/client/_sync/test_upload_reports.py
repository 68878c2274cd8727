# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_upload_reports.py by tools/unasync.py; do not edit
"""Reports of an upload that cannot be read: they prove nothing, and nothing is sent again because of them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from msgspec import json

from callwell import errors
from callwell.client.uploads.options import Uploaded
from callwell.core.rules.operations import UntilRule
from callwell.state import MemoryState
from tests.client._sync.test_upload import COUNT, LEN, sent
from tests.client.vault import SMALL, Vault, vault
from tests.client.world import make_error_response, make_response

MEASURED = vault(size="size", checksum="md5", checksum_kind="md5", state=UntilRule(at="state", values=("whole",)))
MD5 = hashlib.md5(SMALL, usedforsecurity=False).hexdigest()


def reporting(**fields: object) -> Any:
    """A provider that changes its reports so."""

    def change(reply: Any) -> Any:
        return make_response(200, {**json.decode(reply.body), **fields})

    return Vault({("status", number): change for number in range(1, 99)})


@pytest.mark.parametrize(
    "fields",
    [
        {"size": "4.4 kB"},
        {"size": [LEN]},
        {"parts": ",".join(map(str, range(1, COUNT + 1)))},
        {"parts": [{"number": number} for number in range(1, COUNT + 1)]},
        {"parts": COUNT},
        {"parts": [True, None]},
        {"total": "many"},
        {"md5": 7},
    ],
)
def test_a_report_that_cannot_be_read_proves_nothing(fields: dict[str, object]) -> None:
    """It is said, the object is named, and no piece goes twice; the same call asks again, and sends nothing."""
    there = reporting(**fields)
    state = MemoryState()
    failed = sent(there, provider=MEASURED, state=state)
    assert isinstance(failed, errors.UploadMismatch)
    assert (failed.what, failed.target) == ("report", "f1")
    assert f"cannot be read ({'received' if 'parts' in fields else ''}" in str(failed)
    assert there.asked.count("send") == COUNT
    there.spoil = {}
    assert isinstance(sent(there, provider=MEASURED, state=state), Uploaded)
    assert (there.asked.count("send"), there.whole("f1")) == (COUNT, SMALL)


@pytest.mark.parametrize(
    "proof", [{"size": LEN}, {"size": f"{LEN}", "md5": 7}, {"size": "4.4 kB", "md5": MD5}, {"state": "whole"}]
)
def test_what_proves_it_counts(proof: dict[str, object]) -> None:
    """A size, a checksum or a state that can be read: the rest may be anything."""
    assert isinstance(sent(reporting(parts="all", **proof), provider=MEASURED), Uploaded)


def test_the_total_that_was_sent_back_is_none() -> None:
    """Of a stream, the provider may repeat what stood for the number of pieces."""
    there = reporting(total="*")
    assert isinstance(sent(there, iter([SMALL])), Uploaded)
    assert there.whole("f1") == SMALL


@pytest.mark.parametrize("word", ["failed", "FAILED", " Failed "])
def test_a_state_is_the_same_in_any_case(word: str) -> None:
    """The provider says that it failed, in other letters than the profile."""
    until = UntilRule(at="state", values=("playable",), failed_at="state", failed=("failed",), pending=("working",))
    there = reporting(state=word)
    failed = sent(there, provider=vault(until={"ready": until}), wait="ready")
    assert isinstance(failed, errors.ProcessingFailed)
    assert (failed.target, there.asked.count("status")) == ("f1", 1)
    assert isinstance(sent(reporting(state="Playable"), provider=vault(until={"ready": until}), wait="ready"), Uploaded)


@pytest.mark.parametrize(
    ("file", "advice"),
    [
        (SMALL, "f1 has 5 of 5 pieces: the same call by this client continues it"),
        (iter([SMALL]), "f1 has 5 of 5 pieces: it has the whole stream"),
    ],
)
def test_whatever_ends_a_wait_names_the_object(file: Any, advice: str) -> None:
    """All pieces are there, and its state cannot be asked for."""
    there = Vault({("status", 2): make_error_response(403, "NO")})
    there.ready_after = 9
    failed = sent(there, file, wait="ready")
    assert isinstance(failed, errors.UploadStopped)
    assert (failed.target, failed.confirmed, type(failed.__cause__)) == ("f1", COUNT, errors.Forbidden)
    assert str(failed).endswith(advice)
