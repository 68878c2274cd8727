# SPDX-License-Identifier: Apache-2.0
"""Authentication: keys in Basic headers, and the bearer tokens that are issued for them.

    key ──POST /auth/api-key──> access token (an hour) + refresh token
                                                           └──POST /auth/refresh──> two new tokens

See reference/basic-authentication and reference/disposable-bearer-token-authentication. Access tokens have the shape of
a JWT, but are recognized by their text alone. A refresh token can be used once; the old access token stays
good until its end. All tokens of a key die with the key.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.emulator.apivideo.replies import api_error

if TYPE_CHECKING:
    from callwell.clock import Clock
    from callwell.emulator.keys import KeyRegistry

HEADER: Final = {"typ": "JWT", "alg": "RS256"}


class IssuedToken(NamedTuple):
    """The key that a token stands for, and when it ends, epoch seconds."""

    key: str
    ends_wall: float


@dataclass(slots=True)
class BearerTokens:
    """All tokens of one account.

    Attributes:
        keys: the account's keys.
        clock: for their end.
        project: the account's ID in the tokens.
    """

    keys: KeyRegistry
    clock: Clock
    project: str
    _access: dict[str, IssuedToken] = field(default_factory=dict)
    _refresh: dict[str, str] = field(default_factory=dict)

    def issue(self, key: str, life_s: int) -> dict[str, Any]:
        """Issue two tokens for a key, and return them as the API represents them."""
        access = self._make_jwt(life_s)
        refresh = secrets.token_urlsafe(64)
        self._access[access] = IssuedToken(key, self.clock.wall() + life_s)
        self._refresh[refresh] = key
        return {"token_type": "Bearer", "expires_in": life_s, "access_token": access, "refresh_token": refresh}

    def redeem_refresh_token(self, refresh: str) -> str | None:
        """Use a refresh token up, and return its key, None for a token that is dead or unknown."""
        key = self._refresh.pop(refresh, None)
        return key if key is not None and self.keys.rejection(key) is None else None

    def key_in(self, header: str) -> str:
        """Return the key that an Authorization header stands for, alive or dead; empty if it stands for none."""
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "bearer":
            issued = self._access.get(value.strip())
            return issued.key if issued else value.strip()
        if scheme.lower() == "basic":
            return _parse_basic(value) or ""
        return ""

    def authenticate(self, header: str | None) -> None:
        """Check an Authorization header.

        Raises:
            ApiVideoError: there is no header, or its key or token is not good.
        """
        if header is None:
            raise api_error("authentication-missing-authorization-header")
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "bearer" and value.strip():
            issued = self._access.get(value.strip())
            if issued is None or self.clock.wall() >= issued.ends_wall or self.keys.rejection(issued.key):
                raise api_error("authentication-invalid-access-token")
            return
        key = _parse_basic(value) if scheme.lower() == "basic" else None
        if key is None:
            raise api_error("authentication-invalid-authorization-header-value")
        if self.keys.rejection(key) is not None:
            raise api_error("authentication-invalid-api-key")

    def _make_jwt(self, life_s: int) -> str:
        wall_s = self.clock.wall()
        claims = {"iat": wall_s, "nbf": wall_s, "exp": wall_s + life_s, "projectId": self.project}
        parts = [msgspec.json.encode(HEADER), msgspec.json.encode(claims), secrets.token_bytes(256)]
        return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _parse_basic(value: str) -> str | None:
    """Return the key in `base64(key:)`, None for anything else."""
    try:
        name, colon, password = b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return name if colon and name and not password else None
