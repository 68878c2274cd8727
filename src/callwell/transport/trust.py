# SPDX-License-Identifier: Apache-2.0
"""Reads the file of trusted certificates before anything is sent, since TLS libraries ignore a file without any."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import Final

from callwell.errors import InvalidOption

CERTIFICATE: Final = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(.*?)-----END (?:TRUSTED |X509 )?CERTIFICATE-----", re.DOTALL
)
DER_SEQUENCE: Final = b"\x30"
"""The first byte of a DER file (X.690, 8.9)."""

EXPECTED_FORM: Final = "a file of PEM certificates (-----BEGIN CERTIFICATE-----)"
CONVERT_HINT: Final = "; `openssl x509 -inform der -in FILE -out FILE.pem` converts a DER file"
MAX_BYTES: Final = 16 << 20
"""The most bytes of such a file; the largest public bundles have 300 KiB."""


def read_certificates(file: str) -> tuple[bytes, ...]:
    """The certificates in a PEM file, in DER.

    Args:
        file: the file's path.

    Raises:
        InvalidOption: the file cannot be read or has no certificate; the message says what it contains instead.
    """
    content = _read(file)
    found = [_der(file, match[1]) for match in CERTIFICATE.finditer(content)]
    if found:
        return tuple(found)
    if not content.strip():
        raise InvalidOption("ca_file", file, f"{EXPECTED_FORM}, but it is empty")
    if content.startswith(DER_SEQUENCE):
        raise InvalidOption("ca_file", file, f"{EXPECTED_FORM}, but it looks like DER{CONVERT_HINT}")
    if b"PRIVATE KEY-----" in content:
        raise InvalidOption("ca_file", file, f"{EXPECTED_FORM}, but it has a private key and no certificate")
    if b"-----BEGIN " in content:
        raise InvalidOption("ca_file", file, f"{EXPECTED_FORM}, but it contains something else, or is truncated")
    raise InvalidOption("ca_file", file, f"{EXPECTED_FORM}, but it has no certificate")


def _read(file: str) -> bytes:
    try:
        path = Path(file).expanduser()
        if path.is_dir():
            raise InvalidOption("ca_file", file, f"{EXPECTED_FORM}, but it is a folder")
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidOption("ca_file", file, f"a readable {EXPECTED_FORM.removeprefix('a ')} ({why})") from error
    if len(content) > MAX_BYTES:
        raise InvalidOption("ca_file", file, f"{EXPECTED_FORM}, but it is larger than any bundle of certificates")
    return content


def _der(file: str, text: bytes) -> bytes:
    try:
        der = base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        der = b""
    if not _can_be_trusted(der):
        raise InvalidOption("ca_file", file, f"{EXPECTED_FORM}, but one of them is damaged")
    return der


def _can_be_trusted(der: bytes) -> bool:
    import ssl  # few configure such a file

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=der)
    except (ssl.SSLError, ValueError):
        return False
    return True
