# SPDX-License-Identifier: Apache-2.0
"""The addresses that the emulator gives out: its own on this machine, or those of a proxy that ends TLS before it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from callwell.emulator.errors import InvalidInput

HOST: Final = "127.0.0.1"
PORT_PLACEHOLDER: Final = "{port}"
SAMPLE_PORT: Final = "1"
EXPECTED: Final = (
    "an address such as https://emulator.test, https://emulator.test/{port} or https://{port}.emulator.test"
)


def parse_public_url(text: str | None) -> str:
    """The origin of every port, with `{port}` where its number goes.

    The emulator listens on several ports, so that one address cannot stand for all of them. A host alone means that
    the proxy listens on the same ports.

    Args:
        text: what the caller asked for, None for this machine's own addresses.

    Raises:
        BadInput: the text is no such address.
    """
    if text is None:
        return f"http://{HOST}:{PORT_PLACEHOLDER}"
    form = text.strip().rstrip("/")
    try:
        parts = urlsplit(form.replace(PORT_PLACEHOLDER, SAMPLE_PORT))
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"public address {text!r}: {error}; expected {EXPECTED}") from error
    if "@" in parts.netloc:
        raise InvalidInput(f"a public address holds no user name and no password; expected {EXPECTED}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidInput(f"public address {text!r}: expected {EXPECTED}")
    if PORT_PLACEHOLDER in form:
        return form
    if port is not None or parts.path:
        raise InvalidInput(
            f"public address {text!r} stands for several ports: say where their numbers go, as in {EXPECTED}"
        )
    return f"{form}:{PORT_PLACEHOLDER}"
