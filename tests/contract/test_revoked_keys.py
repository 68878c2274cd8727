# SPDX-License-Identifier: Apache-2.0
"""Marks of revoked keys, in every state: one for all accounts of a provider, kept with its first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from callwell.client.keys.usage import KeyUseLog
from callwell.errors import KeyRevoked
from callwell.state import open_state
from callwell.testing import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

KEY = "0123456789ab"


@pytest.mark.parametrize("url", ["memory:", "sqlite:///{}"])
def test_a_mark_holds_for_all_accounts_until_it_is_taken_back(url: str, tmp_path: Path) -> None:
    """Another provider is not concerned, and marking twice changes nothing."""
    state = open_state(url.format(tmp_path / "state.db"))
    clock = ManualClock(wall=1_000.0)
    uses, other, stranger = (
        KeyUseLog(f"{name}:https-api.test-443:own", state, clock) for name in ("acme:one", "acme:two", "shop:one")
    )
    assert uses.set_revoked(KEY, revoked=True)
    clock.advance(5.0)
    assert not other.set_revoked(KEY, revoked=True)
    assert other.read_revoked() == {KEY: clock.wall() - 5.0}
    with pytest.raises(KeyRevoked) as caught:
        other.check_revoked(KEY, "env:KEY")
    assert (caught.value.since, caught.value.exit_code) == (clock.wall() - 5.0, 3)
    stranger.check_revoked(KEY, "env:KEY")
    assert other.set_revoked(KEY, revoked=False)
    assert not uses.set_revoked(KEY, revoked=False)
    uses.check_revoked(KEY, "env:KEY")
    state.close()
