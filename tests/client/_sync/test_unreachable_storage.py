# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_unreachable_storage.py by tools/unasync.py; do not edit
"""A storage that no further attempt can reach is asked once, and the error says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell import errors
from callwell.core.types import Outcome
from callwell.transport.base import NoReply
from tests.client._sync.scripted_client import connect
from tests.client.running import run
from tests.client.storage import Storage
from tests.client.world import ScriptedProvider

if TYPE_CHECKING:
    from pathlib import Path

REMEDY = "the server's certificate has expired; renew it there"
FAULT = NoReply(Outcome.REFUSED, REMEDY, permanent=True)


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_lasting_fault_ends_a_download_at_once(tmp_path: Path, before: int) -> None:
    """Also after attempts that broke off and may be repeated; neither another URL nor another attempt follows."""
    storage = Storage()
    storage.spoil = [*(storage.cut(100 + n) for n in range(before)), FAULT]
    asset = connect(ScriptedProvider(storage)).asset("things.file", thing_id="1")
    with pytest.raises(errors.AssetError) as caught:
        run(lambda: asset.save(tmp_path / "f"))
    assert len(storage.fetches) == before + 1
    assert storage.urls == 1
    assert str(caught.value).endswith(f"the storage cannot be reached: {REMEDY}")
    assert not (tmp_path / "f").exists()


def test_a_fault_that_may_pass_is_met_again(tmp_path: Path) -> None:
    """A connection that was refused says nothing of the next one."""
    storage = Storage(NoReply(Outcome.REFUSED, "connection refused"))
    asset = connect(ScriptedProvider(storage)).asset("things.file", thing_id="1")
    run(lambda: asset.save(tmp_path / "f"))
    assert len(storage.fetches) == 2
