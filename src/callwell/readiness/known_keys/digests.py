# SPDX-License-Identifier: Apache-2.0
"""Keyed digests of keys: enough to find a key, but not to know it.

A machine that checks code, such as a CI runner, should not have the production keys. It gets a file of their digests
instead. Beside each digest the file has the length of the key and its kinds of characters, which make the search fast.
A provider's key is random, so the file does not help to guess it; a secret that a person made up could be guessed.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from callwell import folders
from callwell.errors import FileProblem
from callwell.readiness.known_keys.known_key import KnownKey
from callwell.readiness.known_keys.text_matcher import encode_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from callwell.keys import Key

SALT_BYTES: Final = 32
"""Length of the salt of a file in bytes."""

DIGEST_BYTES: Final = 16
"""Length of a digest in bytes: with 128 bits, no other string has the same one by chance."""

FORMAT: Final = 1

KINDS: Final = (
    frozenset(b"0123456789"),
    frozenset(range(ord("a"), ord("z") + 1)),
    frozenset(range(ord("A"), ord("Z") + 1)),
)
"""Kinds of characters; every other character is its own kind."""


class KeyDigest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key in a file of digests.

    Attributes:
        fingerprint: `Key.fingerprint`.
        provider: the provider's name.
        environment: the environment's name.
        source: the key source, on the machine that has the key.
        setting: `key` or `user_secret`.
        length: the length of the key in bytes.
        alphabet: all bytes of the key's kinds of characters, in hexadecimal.
        digest: the keyed digest in hexadecimal.
    """

    fingerprint: str
    provider: str
    environment: str
    source: str
    setting: str
    length: int
    alphabet: str
    digest: str

    @property
    def known_key(self) -> KnownKey:
        """The key without its text, for reports."""
        return KnownKey(
            fingerprint=self.fingerprint,
            provider=self.provider,
            environment=self.environment,
            source=self.source,
            setting=self.setting,
        )


class KeyDigests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of digests.

    Attributes:
        format: the version of the format.
        salt: the secret of the keyed digests, in hexadecimal; each file has its own.
        keys: the keys.
    """

    format: int
    salt: str
    keys: tuple[KeyDigest, ...]


def make_digests(keys: Iterable[tuple[KnownKey, Key]], salt: bytes = b"") -> KeyDigests:
    """Make the digests of keys.

    Args:
        keys: the keys with their text.
        salt: the salt; random if empty.
    """
    salt = salt or secrets.token_bytes(SALT_BYTES)
    rows = []
    for known, key in keys:
        secret = encode_key(key)
        row = KeyDigest(
            **known._asdict(),
            length=len(secret),
            alphabet=alphabet_of(secret).hex(),
            digest=digest_of(secret, salt).hex(),
        )
        rows.append(row)
    return KeyDigests(format=FORMAT, salt=salt.hex(), keys=tuple(rows))


def write_digests(path: Path, digests: KeyDigests) -> None:
    """Write a file of digests.

    Args:
        path: the file.
        digests: the digests.

    Raises:
        FileProblem: the file cannot be written.
    """
    try:
        folders.write(path, [msgspec.json.format(msgspec.json.encode(digests)), b"\n"], mode=0o600)
    except OSError as error:
        raise FileProblem(f"cannot write {path}: {error.strerror}") from error


def read_digests(path: Path) -> KeyDigests:
    """Read a file of digests.

    Args:
        path: the file.

    Raises:
        FileProblem: the file cannot be read, or is not a file of digests.
    """
    try:
        digests = msgspec.json.decode(path.read_bytes(), type=KeyDigests)
        bytes.fromhex("".join((digests.salt, *(f"{row.alphabet}{row.digest}" for row in digests.keys))))
    except OSError as error:
        raise FileProblem(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise FileProblem(
            f"{path} is not a file of known keys ({error}); make it again with `callwell keys digests`"
        ) from error
    if digests.format != FORMAT:
        raise FileProblem(f"{path} has format {digests.format}, and this Callwell reads format {FORMAT}; make it again")
    return digests


def digest_of(window: bytes, salt: bytes) -> bytes:
    """Make the keyed digest of a window.

    Args:
        window: the bytes.
        salt: the salt.
    """
    return hashlib.blake2b(window, digest_size=DIGEST_BYTES, key=salt).digest()


def alphabet_of(secret: bytes) -> bytes:
    """All bytes of a key's kinds of characters.

    Args:
        secret: the bytes of the key.
    """
    found = set(secret)
    for kind in KINDS:
        if found & kind:
            found |= kind
    return bytes(sorted(found))
