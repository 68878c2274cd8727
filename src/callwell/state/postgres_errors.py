# SPDX-License-Identifier: Apache-2.0
"""What an error of PostgreSQL means for a state, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import OperationalError, errors

from callwell.errors import StateError

if TYPE_CHECKING:
    import psycopg

    from callwell.state.postgres_url import Address

NO_PRIVILEGES: Final = (
    "the role has not the rights",
    "grant it SELECT, INSERT, UPDATE and DELETE on the tables callwell_*, or CREATE on the schema at first",
)

REASONS: Final[dict[type[psycopg.Error], tuple[str, str]]] = {
    errors.InsufficientPrivilege: NO_PRIVILEGES,
    errors.InvalidSchemaName: NO_PRIVILEGES,  # what a role without rights on the schema gets when it makes a table
    errors.LockNotAvailable: ("another process has kept the record locked for 30 s", "look for a stuck transaction"),
    errors.DiskFull: ("the server's disk is full", "make room and run the same again"),
    errors.ReadOnlySqlTransaction: ("the server is a standby, which is read-only", "name the primary, or all hosts"),
    errors.UndefinedTable: ("its tables were removed while it was in use", "start again after the quota's window"),
    errors.ProgramLimitExceeded: ("a record or its name is too long", "use shorter names"),
}
"""Error of the server → what it means here, and what to do."""


TRANSIENT: Final = (OperationalError, errors.ReadOnlySqlTransaction)
"""Errors that may end by themselves, but for a full disk: no server, a lock, a standby that is about to be the
primary."""


def explain_error(address: Address, verb: str, error: psycopg.Error) -> StateError:
    """The error in our words, without the password.

    Args:
        address: where the database is.
        verb: what could not be done with the state.
        error: what psycopg raised.
    """
    reason = address.hide_password(error.diag.message_primary or str(error))
    advice = "check that the server runs and that the URL is right"
    if "session is read-only" in reason:
        advice = address.advise_on_standby()
    for kind, known in REASONS.items():
        if isinstance(error, kind):
            reason, advice = known
    explained = StateError(f"cannot {verb} the state {address.name}: {reason}; {advice}")
    explained.may_pass = isinstance(error, TRANSIENT) and not isinstance(error, errors.DiskFull)
    return explained
