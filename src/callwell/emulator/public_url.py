# SPDX-License-Identifier: Apache-2.0
"""The addresses that the emulator gives out: its own on this machine, or those of a TLS proxy in front of it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from callwell.emulator.errors import InvalidInput

HOST: Final = "127.0.0.1"
PORT_PLACEHOLDER: Final = "{port}"
SAMPLE_PORT: Final = "1"
EXPECTED_FORM: Final = (
    "an address such as https://emulator.test, https://emulator.test/{port} or https://{port}.emulator.test"
)


def parse_public_url(text: str | None) -> str:
    """Return the template of all base URLs, with `{port}` where the number of a port goes.

    The emulator listens on several ports, so a public address must say where their numbers go. A host alone means that
    the proxy listens on the same ports.

    Args:
        text: the address as the user gave it, None for this machine's own addresses.

    Raises:
        InvalidInput: the text is not such an address.
    """
    if text is None:
        return f"http://{HOST}:{PORT_PLACEHOLDER}"
    template = text.strip().rstrip("/")
    try:
        parts = urlsplit(template.replace(PORT_PLACEHOLDER, SAMPLE_PORT))
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"public address {text!r}: {error}; expected {EXPECTED_FORM}") from error
    if "@" in parts.netloc:
        raise InvalidInput(f"a public address must not hold a user name or password; expected {EXPECTED_FORM}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidInput(f"public address {text!r}: expected {EXPECTED_FORM}")
    if PORT_PLACEHOLDER in template:
        return template
    if port is not None or parts.path:
        raise InvalidInput(f"public address {text!r} must say where port numbers go: expected {EXPECTED_FORM}")
    return f"{template}:{PORT_PLACEHOLDER}"
