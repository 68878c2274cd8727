# SPDX-License-Identifier: Apache-2.0
"""`callwell keys drill`: the rotation drill alone, and what each step of it proves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from callwell.cli import output
from callwell.cli.check import split_command
from callwell.cli.check_accounts import accounts_of
from callwell.cli.settings import Settings
from callwell.clock import SystemClock
from callwell.errors import UsageError
from callwell.readiness.check import CannotCheck, NotApplicable
from callwell.readiness.drills.rotation import record_results, run_rotation_drill
from callwell.readiness.project import Project, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callwell.readiness.drills.verdict import DrillResult

FAILED: Final = 1
INCOMPLETE: Final = 2


def run_drill(provider: str, command: str, options: Mapping[str, str | float | None], *, as_json: bool) -> None:
    """Run the drill in the current folder and print its result.

    Args:
        provider: the provider's name.
        command: the user's program as a command line; empty for a generated workload.
        options: the values of the command's options.
        as_json: print one JSON document.

    Raises:
        UsageError: the drill cannot be carried out.
        Exit: it failed, or could not check everything.
    """
    settings = Settings.discover()
    accounts = tuple(accounts_of(settings, settings.load(provider), options))
    project = Project(Path.cwd(), accounts, Scope(command=split_command(command)))
    try:
        results = list(run_rotation_drill(project))
    except NotApplicable as error:
        raise UsageError(error.reason) from error
    except CannotCheck as error:
        raise UsageError(f"{error.reason}; {error.fix}" if error.fix else error.reason) from error
    if as_json:
        output.emit_json([_to_json(result) for result in results])
    else:
        _print_results(results)
    record_results(results, SystemClock().wall())
    if any(not proof.holds for result in results for proof in result.proofs):
        raise typer.Exit(FAILED)
    if any(result.unchecked for result in results):
        raise typer.Exit(INCOMPLETE)


def _to_json(result: DrillResult) -> dict[str, Any]:
    return {
        "subject": result.subject,
        "passed": result.passed,
        "proofs": [{"name": proof.name, "holds": proof.holds, "text": proof.text} for proof in result.proofs],
        "unchecked": [{"what": part.what, "fix": part.fix} for part in result.unchecked],
    }


def _print_results(results: Sequence[DrillResult]) -> None:
    for result in results:
        output.emit(f"rotation drill of {result.subject}")
        for proof in result.proofs:
            output.emit(f"  {'proved' if proof.holds else 'FAILED'}  {proof.text}")
            if proof.fix and not proof.holds:
                output.emit(f"          {proof.fix}")
        for part in result.unchecked:
            output.emit(f"  not proved: {part.what}")
            output.emit(f"          {part.fix}")
    output.emit("passed" if all(result.passed for result in results) else "not passed")
