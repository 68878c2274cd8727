# SPDX-License-Identifier: Apache-2.0
"""What a PostgreSQL error means for a state, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import OperationalError, errors

from callwell.errors import StateError

if TYPE_CHECKING:
    import psycopg

    from callwell.state.postgres_url import Address

NO_PRIVILEGES: Final = (
    "the role lacks the privileges",
    "grant it SELECT, INSERT, UPDATE and DELETE on the tables callwell_*, and CREATE on the schema for the first run",
)

REASONS: Final[dict[type[psycopg.Error], tuple[str, str]]] = {
    errors.InsufficientPrivilege: NO_PRIVILEGES,
    errors.InvalidSchemaName: NO_PRIVILEGES,  # raised for a role without privileges on the schema
    errors.LockNotAvailable: ("another process has locked the record for 30 s", "look for a stuck transaction"),
    errors.DiskFull: ("the server's disk is full", "make room and run the same again"),
    errors.ReadOnlySqlTransaction: ("the server is a standby, which is read-only", "name the primary, or all hosts"),
    errors.UndefinedTable: ("its tables were removed while it was in use", "restart after the quota's window"),
    errors.ProgramLimitExceeded: ("a record or its name is too long", "use shorter names"),
}
"""Server error → what it means here, and what to do."""


TRANSIENT: Final = (OperationalError, errors.ReadOnlySqlTransaction)
"""Errors that may be temporary, in addition to a full disk: no server, a lock, a standby that is about to become the
primary."""


def explain_error(address: Address, verb: str, error: psycopg.Error) -> StateError:
    """The error in Callwell's words, without the password.

    Args:
        address: where the database is.
        verb: the failed operation on the state.
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
