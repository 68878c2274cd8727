# SPDX-License-Identifier: Apache-2.0
"""A `postgresql://` URL: checked, completed with timeouts, and displayed without its password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from callwell.errors import InvalidOption
from callwell.state.urls import mask_state_url

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPECTED: Final = "`postgresql://USER@HOST/DATABASE`, with the password in PGPASSWORD or ~/.pgpass"

HIDDEN: Final = "***"

DEFAULTS: Final[Mapping[str, str]] = {
    "application_name": "callwell",
    "connect_timeout": "5",  # seconds, for each host: a keeper tries again soon
    "target_session_attrs": "read-write",  # of several hosts the primary; a standby cannot lend permits
    # A server that vanished without a word is noticed in 10 s, as long as a lease of permits lasts.
    "keepalives_idle": "4",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""libpq parameters that apply unless the URL sets them."""


class Address(NamedTuple):
    """The address of a database.

    Attributes:
        name: the URL without its password and parameters.
        parameters: the libpq parameters.
    """

    name: str
    parameters: dict[str, str]

    def __repr__(self) -> str:
        """Without the password."""
        return f"Address({self.name!r})"

    def advise_on_standby(self) -> str:
        """What to do if no reachable host is a primary."""
        if "," in self.parameters.get("host", ""):
            return "no host is the primary yet: promote a standby, unless that happens automatically"
        return "it is a standby: name the primary, or all hosts (postgresql://HOST1,HOST2/DATABASE)"

    def hide_password(self, text: str) -> str:
        """A string without the password, on one line."""
        password = self.parameters.get("password", "")
        shown = text.replace(password, HIDDEN) if password else text
        return " ".join(shown.split())


def parse(url: str) -> Address:
    """Parse a URL.

    Raises:
        InvalidOption: it is invalid. The message has no part that could belong to a password.
    """
    rest = url.partition("//")[2]
    if rest.count("@") > 1 or "@" in rest.partition("/")[2] or "@" in rest.partition("?")[2]:
        expected = f"{EXPECTED}; in a password, write @ as %40, / as %2F, : as %3A and ? as %3F"
        raise InvalidOption("state", mask_state_url(url), expected)
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        # libpq's own text repeats the part that it did not understand, which may be the password.
        raise InvalidOption("state", mask_state_url(url), EXPECTED) from None
    return Address(_name(given), {**DEFAULTS, **given})


def _name(given: Mapping[str, Any]) -> str:
    user = f"{given['user']}@" if given.get("user") else ""
    host = unquote(given.get("host") or given.get("hostaddr") or "")
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{user}{host}{port}/{given.get('dbname') or ''}"
