# SPDX-License-Identifier: Apache-2.0
"""Signed URLs in the shape of S3's presigned ones: anyone who has one may read one object until it expires.

    /bucket/ws_1/rec_1/video.webm?X-Amz-Algorithm=AWS4-HMAC-SHA256
        &X-Amz-Credential=ASIAEMULATOR00000001/20260302/eu-west-1/s3/aws4_request
        &X-Amz-Date=20260302T080000Z      when it was signed
        &X-Amz-Expires=900                seconds from then on
        &X-Amz-SignedHeaders=host
        &X-Amz-Signature=…                HMAC of path, date, life and credential

The query looks like AWS Signature Version 4 so that clients that read `X-Amz-Date` and `X-Amz-Expires` find them. The
signature is an HMAC of our own under a secret made at start: only the emulator has to check it. The number in the
credential makes every URL unique, so that a client cannot rely on getting the same URL again.

The storage's time of day decides, skew included. A fault can let one URL expire before its time.
"""

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


class UrlStatus(Enum):
    """What the check of a signed URL found."""

    GOOD = "good"
    UNSIGNED = "unsigned"
    FORGED = "forged"
    EXPIRED = "expired"


class UrlSigner:
    """Signs and checks URLs with its own secret, made at start.

    Args:
        origin: scheme, host and port of the storage.
    """

    __slots__ = ("_expired", "_number", "_secret", "origin")

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._secret = secrets.token_bytes(32)
        self._number = itertools.count(1)
        self._expired: set[str] = set()

    def sign(self, path: str, *, life_s: int, wall_s: float) -> str:
        """Return a new URL of the object at `path`.

        Args:
            path: the object's path.
            life_s: seconds until the URL expires.
            wall_s: the storage's time of day, epoch seconds.
        """
        date = datetime.fromtimestamp(wall_s, UTC).strftime(DATE_FORMAT)
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

    def check(self, path: str, query: str, wall_s: float) -> UrlStatus:
        """Check the URL with this path and query at `wall_s` (epoch seconds)."""
        fields = dict(parse_qsl(query))
        try:
            date = fields["X-Amz-Date"]
            life = fields["X-Amz-Expires"]
            credential = fields["X-Amz-Credential"]
            signature = fields["X-Amz-Signature"]
            expires_at = datetime.strptime(date, DATE_FORMAT).replace(tzinfo=UTC).timestamp() + int(life)
        except (KeyError, ValueError):
            return UrlStatus.UNSIGNED
        expected = self._signature(path, date, life, credential)
        # As bytes: `compare_digest` takes strings only if they are ASCII, and this one came from outside.
        is_ours = hmac.compare_digest(signature.encode(), expected.encode())
        if fields.get("X-Amz-Algorithm") != ALGORITHM or not is_ours:
            return UrlStatus.FORGED
        return UrlStatus.EXPIRED if wall_s >= expires_at or signature in self._expired else UrlStatus.GOOD

    def expire(self, query: str) -> None:
        """Let the URL with this query expire immediately."""
        self._expired.add(dict(parse_qsl(query)).get("X-Amz-Signature", ""))

    def _signature(self, path: str, date: str, life: str, credential: str) -> str:
        text = f"{ALGORITHM}\nGET\n{path}\n{date}\n{life}\n{credential}"
        return hmac.new(self._secret, text.encode(), sha256).hexdigest()
