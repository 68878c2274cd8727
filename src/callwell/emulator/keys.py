# SPDX-License-Identifier: Apache-2.0
"""A provider's API keys: created, rotated without overlap, disabled, revoked immediately.

    create ──> active ──> expired    (by the clock)
                  ├─────> disabled   (refused, keeps its slot)
                  └─────> revoked    (refused forever, frees its slot)

Rotation creates a key and revokes the old one in the same moment: Userplane documents no overlap
(docs.userplane.io/api/api-keys/rotate-api-key). A client that must not fail needs two keys.
"""

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
# The longest life that Userplane offers for a key is 90 days (docs.userplane.io/api/api-keys/create-api-key).
MAX_LIFE_S: Final = 90 * 86_400

Rejection = Literal["unknown", "disabled", "expired"]


def key_fingerprint(text: str) -> str:
    """Return what is shown in place of a key."""
    return sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key.

    Attributes:
        text: the whole key.
        name: its owner's name for it.
        expires_at_wall: when it expires, epoch seconds; None for never.
        disabled: it is refused for now.
        revoked: it is refused forever, and takes no slot.
    """

    text: str
    name: str
    expires_at_wall: float | None
    disabled: bool = False
    revoked: bool = False


class KeyRegistry:
    """All keys of the one account, in the order in which they were made.

    Args:
        clock: for expiry.
        prefix: what every key begins with.
        length: how many letters and digits follow.
        slots: how many keys there may be at a time.
    """

    __slots__ = ("_clock", "_keys", "_length", "_prefix", "_slots")

    def __init__(self, clock: Clock, *, prefix: str, length: int, slots: int) -> None:
        self._clock = clock
        self._prefix = prefix
        self._length = length
        self._slots = slots
        self._keys: dict[str, ApiKey] = {}
        self.ensure_live_key()

    def rejection(self, text: str) -> Rejection | None:
        """Return why a key is refused, None for a live key."""
        key = self._keys.get(text)
        if key is None or key.revoked:
            return "unknown"
        if key.disabled:
            return "disabled"
        return "expired" if self._is_expired(key) else None

    def create(self, name: str | None, expires_in_s: float | None) -> str:
        """Create a key and return its text."""
        if sum(not key.revoked for key in self._keys.values()) >= self._slots:
            raise InvalidInput(f"a user has at most {self._slots} keys: revoke one first")
        return self._add(name, expires_in_s)

    def rotate(self, fingerprint: str | None, name: str | None, expires_in_s: float | None) -> str:
        """Create a key, revoke the old one at once, and return the new one's text."""
        old = self._find(fingerprint)
        text = self._add(name or old.name, expires_in_s)
        self._keys[old.text] = replace(old, revoked=True)
        return text

    def revoke(self, fingerprint: str | None) -> KeyInfo:
        """Refuse a key forever."""
        key = replace(self._find(fingerprint), revoked=True)
        self._keys[key.text] = key
        return self._to_info(key)

    def disable(self, fingerprint: str | None) -> KeyInfo:
        """Refuse a key from now on."""
        key = replace(self._find(fingerprint), disabled=True)
        self._keys[key.text] = key
        return self._to_info(key)

    def list_all(self) -> list[KeyInfo]:
        """Return all keys that have not been revoked."""
        return [self._to_info(key) for key in self._keys.values() if not key.revoked]

    def all_texts(self) -> Iterable[str]:
        """Return every key text there ever was."""
        return self._keys.keys()

    def current(self) -> str:
        """Return the text of the newest live key, empty if there is none."""
        return next((text for text in reversed(self._keys) if self.rejection(text) is None), "")

    def ensure_live_key(self) -> None:
        """Free the slots of dead keys, and create a key if none is alive."""
        dead = [key for key in self._keys.values() if not key.revoked and self.rejection(key.text) is not None]
        for key in dead:
            self._keys[key.text] = replace(key, revoked=True)
        if not self.current():
            self._add("emulator", None)

    def _add(self, name: str | None, expires_in_s: float | None) -> str:
        if expires_in_s is not None and not 0 < expires_in_s <= MAX_LIFE_S:
            raise InvalidInput(f"expires_in_s must be more than 0 and at most {MAX_LIFE_S}")
        text = self._prefix + "".join(secrets.choice(ALPHABET) for _ in range(self._length))
        expires_at_wall = None if expires_in_s is None else self._clock.wall() + expires_in_s
        self._keys[text] = ApiKey(text, name or f"key {len(self._keys) + 1}", expires_at_wall)
        return text

    def _find(self, fingerprint: str | None) -> ApiKey:
        """Return the key with this fingerprint, or the newest live one."""
        keys = [key for key in self._keys.values() if not key.revoked]
        if fingerprint is None:
            found = [key for key in keys if self.rejection(key.text) is None]
            complaint = "there is no live key: reset the provider or create one"
        else:
            found = [key for key in keys if key_fingerprint(key.text) == fingerprint]
            complaint = f"no key has fingerprint {fingerprint!r}"
        if not found:
            raise InvalidInput(complaint)
        return found[-1]

    def _is_expired(self, key: ApiKey) -> bool:
        return key.expires_at_wall is not None and self._clock.wall() >= key.expires_at_wall

    def _to_info(self, key: ApiKey) -> KeyInfo:
        expires_at = None
        if key.expires_at_wall is not None:
            expires_at = datetime.fromtimestamp(key.expires_at_wall, UTC).isoformat()
        return KeyInfo(
            fingerprint=key_fingerprint(key.text),
            name=key.name,
            masked=f"{self._prefix}…{key.text[-4:]}",
            state=self._state(key),
            expires_at=expires_at,
        )

    def _state(self, key: ApiKey) -> str:
        if key.revoked:
            return "revoked"
        if key.disabled:
            return "disabled"
        return "expired" if self._is_expired(key) else "active"
