# SPDX-License-Identifier: Apache-2.0
"""`callwell keys reload`: every process that shares a state reads its key source again."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import typer

from callwell.cli import output
from callwell.cli.flags import JsonOption, OptionalProviderArgument, StateOption
from callwell.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.cli.revoked_keys import ProviderState

WAIT_S: Final = 3.0
"""How long to wait for the processes: a signal takes milliseconds, polling without signals half a second."""

POLL_S: Final = 0.05
COLUMNS: Final = ("provider", "process", "fingerprint", "reloaded", "draining")
NOT_RELOADED: Final = 1


def reload(
    provider: OptionalProviderArgument = None, *, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """Make every process on the configured state read its key source again, and print which have done so.

    Files need no reload: changes are noticed automatically. Idle processes reload before their next call.
    Exit code 1: a process that makes calls has not done it within 3 s.
    """
    from callwell.cli.revoked_keys import open_states
    from callwell.cli.settings import Settings

    settings = Settings.discover()
    output.configure_logging(verbose=False)
    with ExitStack() as opened:
        states = [
            shared
            for name in ([provider] if provider else settings.names())
            for shared in open_states(settings, settings.load(name), state, opened)
        ]
        if not states:
            raise UsageError("the state is memory:, which no process shares: name another (--state sqlite:///PATH)")
        numbers = [shared.uses.request_reload() for shared in states]
        give_up_at = time.monotonic() + WAIT_S
        rows = _rows(states, numbers)
        while not all(row["reloaded"] for row in rows) and time.monotonic() < give_up_at:
            time.sleep(POLL_S)
            rows = _rows(states, numbers)
    if as_json:
        output.emit_json(rows)
    else:
        output.emit_table(COLUMNS, ([row[column] for column in COLUMNS] for row in rows))
        output.emit(f"{sum(row['reloaded'] for row in rows)} of {len(rows)} processes have read their key again")
    if not all(row["reloaded"] for row in rows):
        raise typer.Exit(NOT_RELOADED)


def _rows(states: list[ProviderState], numbers: list[int]) -> list[dict[str, Any]]:
    return [row for shared, number in zip(states, numbers, strict=True) for row in _processes(shared, number)]


def _processes(shared: ProviderState, number: int) -> Iterator[dict[str, Any]]:
    """The processes of a provider that make calls."""
    for keys in shared.uses.find_active_processes():
        yield {
            "provider": shared.provider.name,
            "state": shared.state,
            "process": keys.process,
            "fingerprint": keys.fingerprint,
            "reloaded": keys.reloads >= number,
            "draining": ", ".join(keys.draining),
        }
