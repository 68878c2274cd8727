# SPDX-License-Identifier: Apache-2.0
"""The table of checks. A check's module is loaded only when it runs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from callwell.errors import UnknownName
from callwell.readiness.check import Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.readiness.check import Check

CHECKS: Final[dict[str, str]] = {
    "leaks.keys-in-files": "leaks.keys_in_files",
    "leaks.keys-shipped": "leaks.keys_shipped",
    "leaks.keys-in-logs": "leaks.keys_in_logs",
    "leaks.keys-in-history": "leaks.keys_in_history",
    "leaks.shapes": "leaks.shapes",
    "leaks.shapes-in-history": "leaks.shapes_in_history",
    "keys.present": "keys.present",
    "keys.inside-tree": "keys.inside_tree",
    "keys.file-mode": "keys.file_mode",
    "keys.environment": "keys.environment",
    "keys.one-per-system": "keys.one_per_system",
    "keys.unused": "keys.unused",
    "keys.age": "keys.age",
    "keys.rotatable": "keys.rotatable",
    "code.calls-around-callwell": "code.calls_around_callwell",
    "code.key-literal": "code.key_literal",
    "code.signed-urls-kept": "code.signed_urls_kept",
    "code.retries-4xx": "code.retries_4xx",
    "code.messages-compared": "code.messages_compared",
    "code.constant-end-user": "code.constant_end_user",
    "code.tls-verification-off": "code.tls_verification_off",
    "code.front-end-calls": "code.front_end_calls",
    "code.front-end-keys": "code.front_end_keys",
    "code.ignore-comments": "code.ignore_comments",
    "life.environment": "life.environment",
    "life.deadline": "life.deadline",
    "life.retries": "life.retries",
    "life.shared-state": "life.shared_state",
    "life.end-user": "life.end_user",
    "life.sandbox-leftovers": "life.sandbox_leftovers",
    "life.media": "life.media",
    "life.description": "life.description",
    "life.network": "life.network",
    "life.files": "life.durable_files",
    "life.clock-skew": "life.clock_skew",
    "life.tls": "life.tls",
    "life.redirects": "life.redirects",
    "drills.throttle": "drills.throttle",
    "drills.server-errors": "drills.server_errors",
    "drills.lost-response": "drills.lost_response",
    "drills.rotation": "drills.rotation",
    "keys.rotation-drill": "keys.rotation_drill",  # last: it reads the records of this run's drills
}
"""ID → module in `checks/`, which defines `CHECK`. Checks run in this order; reports have the groups one by one."""


def load(check_id: str) -> Check:
    """One check.

    Args:
        check_id: one of `CHECKS`.

    Raises:
        UnknownName: there is no such check.
    """
    if check_id not in CHECKS:
        raise UnknownName("check", check_id, CHECKS)
    check: Check = import_module(f"callwell.readiness.checks.{CHECKS[check_id]}").CHECK
    return check


def select(only: Iterable[str] = (), skip: Iterable[str] = ()) -> Iterator[Check]:
    """The checks to run, in the order of the table.

    Args:
        only: IDs or groups; all if empty.
        skip: IDs or groups to leave out.

    Raises:
        UnknownName: one of them is neither.
    """
    chosen = tuple(only)
    wanted = expand(chosen) if chosen else set(CHECKS)
    unwanted = expand(skip)
    return (load(check_id) for check_id in CHECKS if check_id in wanted and check_id not in unwanted)


def expand(names: Iterable[str]) -> set[str]:
    """Expand groups to the IDs of their checks.

    Args:
        names: IDs, or groups such as `leaks`.

    Raises:
        UnknownName: one of them is neither.
    """
    found = set()
    for name in names:
        meant = {check_id for check_id in CHECKS if check_id == name or check_id.partition(".")[0] == name}
        if not meant and name not in list(Group):
            raise UnknownName("check", name, [*Group, *CHECKS])
        found |= meant
    return found
