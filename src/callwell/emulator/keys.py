# SPDX-License-Identifier: Apache-2.0
"""A provider's API keys: made, rotated without overlap, disabled, revoked at once."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

from callwell.emulator.errors import InvalidInput
from callwell.emulator.provider import KeyInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.clock import Clock

ALPHABET: Final = string.ascii_letters + string.digits
MAX_LIFE_S: Final = 90 * 86_400

Rejection = Literal["unknown", "disabled", "expired"]


def key_fingerprint(text: str) -> str:
    """What a key is called where its text must not be."""
    return sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key.

    Attributes:
        text: the whole key.
        name: what its owner calls it.
        expires_wall: when it expires, epoch seconds, None for never.
        disabled: it is refused for now.
        revoked: it is refused for ever, and takes no slot.
    """

    text: str
    name: str
    expires_wall: float | None
    disabled: bool = False
    revoked: bool = False


class KeyRegistry:
    """All keys of the one account, in the order in which they were made.

    Args:
        clock: for expiry.
        prefix: what every key begins with.
        length: how many letters follow.
        slots: how many keys there may be at a time.
    """

    __slots__ = ("_clock", "_keys", "_length", "_prefix", "_slots")

    def __init__(self, clock: Clock, *, prefix: str, length: int, slots: int) -> None:
        self._clock, self._prefix, self._length, self._slots = clock, prefix, length, slots
        self._keys: dict[str, ApiKey] = {}
        self.ensure_live_key()

    def rejection(self, text: str) -> Rejection | None:
        """Why a key is refused, None for a live key."""
        key = self._keys.get(text)
        if key is None or key.revoked:
            return "unknown"
        if key.disabled:
            return "disabled"
        return "expired" if self._expired(key) else None

    def create(self, name: str | None, expires_in_s: float | None) -> str:
        """A new key's text."""
        if sum(not key.revoked for key in self._keys.values()) >= self._slots:
            raise InvalidInput(f"a user has at most {self._slots} keys: revoke one first")
        return self._add(name, expires_in_s)

    def rotate(self, fingerprint: str | None, name: str | None, expires_in_s: float | None) -> str:
        """The text of the key that takes the place of one that dies at once."""
        old = self._find(fingerprint)
        text = self._add(name or old.name, expires_in_s)
        self._keys[old.text] = replace(old, revoked=True)
        return text

    def revoke(self, fingerprint: str | None) -> KeyInfo:
        """Kill a key for ever."""
        key = self._find(fingerprint)
        self._keys[key.text] = replace(key, revoked=True)
        return self._to_info(self._keys[key.text])

    def disable(self, fingerprint: str | None) -> KeyInfo:
        """Refuse a key from now on."""
        key = self._find(fingerprint)
        self._keys[key.text] = replace(key, disabled=True)
        return self._to_info(self._keys[key.text])

    def list_all(self) -> list[KeyInfo]:
        """All keys that have not been revoked."""
        return [self._to_info(key) for key in self._keys.values() if not key.revoked]

    def all_texts(self) -> Iterable[str]:
        """Every key text there ever was."""
        return self._keys.keys()

    def current(self) -> str:
        """The text of the newest live key, empty if there is none."""
        return next((text for text in reversed(self._keys) if self.rejection(text) is None), "")

    def ensure_live_key(self) -> None:
        """Take the slots of dead keys back, and make a key if none is alive."""
        dead = [key for key in self._keys.values() if not key.revoked and self.rejection(key.text) is not None]
        for key in dead:
            self._keys[key.text] = replace(key, revoked=True)
        if not self.current():
            self._add("emulator", None)

    def _add(self, name: str | None, expires_in_s: float | None) -> str:
        if expires_in_s is not None and not 0 < expires_in_s <= MAX_LIFE_S:
            raise InvalidInput(f"expires_in_s must be more than 0 and at most {MAX_LIFE_S}")
        text = self._prefix + "".join(secrets.choice(ALPHABET) for _ in range(self._length))
        expires = None if expires_in_s is None else self._clock.wall() + expires_in_s
        self._keys[text] = ApiKey(text, name or f"key {len(self._keys) + 1}", expires)
        return text

    def _find(self, fingerprint: str | None) -> ApiKey:
        kept = [key for key in self._keys.values() if not key.revoked]
        if fingerprint is None:
            kept = [key for key in kept if self.rejection(key.text) is None]
        else:
            kept = [key for key in kept if key_fingerprint(key.text) == fingerprint]
        if not kept:
            raise InvalidInput(
                "there is no live key" if fingerprint is None else f"no key has fingerprint {fingerprint!r}"
            )
        return kept[-1]

    def _expired(self, key: ApiKey) -> bool:
        return key.expires_wall is not None and self._clock.wall() >= key.expires_wall

    def _to_info(self, key: ApiKey) -> KeyInfo:
        state = "revoked" if key.revoked else "disabled" if key.disabled else "active"
        if state == "active" and self._expired(key):
            state = "expired"
        expires = None if key.expires_wall is None else datetime.fromtimestamp(key.expires_wall, UTC).isoformat()
        return KeyInfo(key_fingerprint(key.text), key.name, f"{self._prefix}…{key.text[-4:]}", state, expires)
