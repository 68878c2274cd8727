# SPDX-License-Identifier: Apache-2.0
"""Signed URLs in the shape of S3's: whoever has one may read one object until a time."""

from __future__ import annotations

import hmac
import itertools
import secrets
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, urlencode

ALGORITHM: Final = "AWS4-HMAC-SHA256"
DATE_FORMAT: Final = "%Y%m%dT%H%M%SZ"


class Verdict(Enum):
    """What a signed URL is worth."""

    GOOD = "good"
    UNSIGNED = "unsigned"
    FORGED = "forged"
    EXPIRED = "expired"


class Signer:
    """Makes and checks signed URLs with a secret of its own, made at start.

    Args:
        origin: scheme, host and port of the storage.
    """

    __slots__ = ("_dead", "_number", "_secret", "origin")

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._secret = secrets.token_bytes(32)
        self._number = itertools.count(1)
        self._dead: set[str] = set()

    def sign(self, path: str, *, life_s: int, wall: float) -> str:
        """A fresh URL of the object at `path`, good for `life_s` seconds from `wall` (epoch seconds)."""
        date = datetime.fromtimestamp(wall, UTC).strftime(DATE_FORMAT)
        credential = f"ASIAEMULATOR{next(self._number):08d}/{date[:8]}/eu-west-1/s3/aws4_request"
        query = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": credential,
            "X-Amz-Date": date,
            "X-Amz-Expires": str(life_s),
            "X-Amz-SignedHeaders": "host",
            "X-Amz-Signature": self._signature(path, date, str(life_s), credential),
        }
        return f"{self.origin}{path}?{urlencode(query)}"

    def check(self, path: str, query: str, wall: float) -> Verdict:
        """What the URL with this path and query is worth at `wall` (epoch seconds)."""
        fields = dict(parse_qsl(query))
        try:
            date, life, credential = fields["X-Amz-Date"], fields["X-Amz-Expires"], fields["X-Amz-Credential"]
            given = fields["X-Amz-Signature"]
            ends = datetime.strptime(date, DATE_FORMAT).replace(tzinfo=UTC).timestamp() + int(life)
        except (KeyError, ValueError):
            return Verdict.UNSIGNED
        known = fields.get("X-Amz-Algorithm") == ALGORITHM
        if not known or not hmac.compare_digest(given.encode(), self._signature(path, date, life, credential).encode()):
            return Verdict.FORGED
        return Verdict.EXPIRED if wall >= ends or given in self._dead else Verdict.GOOD

    def kill(self, query: str) -> None:
        """Let one URL expire at once."""
        self._dead.add(dict(parse_qsl(query)).get("X-Amz-Signature", ""))

    def _signature(self, path: str, date: str, life: str, credential: str) -> str:
        text = f"{ALGORITHM}\nGET\n{path}\n{date}\n{life}\n{credential}"
        return hmac.new(self._secret, text.encode(), sha256).hexdigest()
