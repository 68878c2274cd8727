# SPDX-License-Identifier: Apache-2.0
"""The one-time tokens in the URLs of private assets, and the sessions for what a private playlist names."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


@dataclass(slots=True)
class AssetTokens:
    """All tokens and sessions, by the video or stream that they open."""

    _unused: dict[str, str] = field(default_factory=dict)
    _sessions: dict[str, str] = field(default_factory=dict)

    def issue(self, owner: str) -> str:
        """Return a new token that opens one asset of `owner` once."""
        token = secrets.token_hex(16)
        self._unused[token] = owner
        return token

    def redeem(self, token: str, owner: str) -> bool:
        """Use a token up, and return whether it opened an asset of `owner`."""
        return self._unused.pop(token, None) == owner

    def open_session(self, owner: str) -> str:
        """Return a new session for what a playlist of `owner` names."""
        session = secrets.token_hex(16)
        self._sessions[session] = owner
        return session

    def is_session_of(self, session: str, owner: str) -> bool:
        """Return whether a session is one of `owner`."""
        return self._sessions.get(session) == owner
