# SPDX-License-Identifier: Apache-2.0
"""The two values between sockets and emulated providers: the request that arrived, and the reply to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from callwell.emulator.form import Form

JSON_TYPE: Final = (b"content-type", b"application/json")


def allow_header(*methods: str) -> tuple[bytes, bytes]:
    """Return the `Allow` header that every 405 must have (RFC 9110, 15.5.6): the methods of the path."""
    return b"allow", ", ".join(sorted(methods)).encode()


@dataclass(frozen=True, slots=True)
class IncomingRequest:
    """One request as it arrived.

    Attributes:
        method: upper case.
        path: the path, percent-decoded.
        query: the raw query, without `?`.
        headers: names in lower case; of repeated headers the last.
        body: the whole body, empty where it is a form.
        arrived_s: when its first byte came, by the emulator's clock.
        arrived_real_s: the same by the machine's monotonic clock.
        lag_real_s: by how much the event loop was late at that time.
        form: the body, where it is a multipart form.
        broken: the client went away before the body had come.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    arrived_s: float = 0.0
    arrived_real_s: float = 0.0
    lag_real_s: float = 0.0
    form: Form | None = None
    broken: bool = False

    @property
    def body_digest(self) -> str:
        """SHA-256 in hex of the body, or of a form's content and range; empty for an empty body."""
        if self.form is not None:
            return self.form.digest(self.headers.get("content-range", ""))
        return sha256(self.body).hexdigest() if self.body else ""

    def contains_any(self, texts: Iterable[str], *, only_url: bool = False) -> bool:
        """Return whether one of `texts` is in the URL or, unless `only_url`, in a header or the body."""
        parts = [self.path, unquote(self.query)]
        if not only_url:
            parts += [*self.headers.values(), self.body.decode("utf-8", "replace")]
        everything = "\n".join(parts)
        return any(text in everything for text in texts)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider replies, before any fault.

    Attributes:
        status: the HTTP status.
        body: the whole body; a view of a file where it is large.
        headers: names in lower case, without Content-Length and Date.
        effect: something was created, changed or deleted.
        dead_key: the request was refused because its key is unknown, expired or disabled.
        retry_after_s: for how many clock seconds the reply asks the client to wait.
        fault_not_applicable: the scripted fault could not happen here and did not.
        refused: at the storage: the URL opens nothing, so that no fault applies.
    """

    status: int
    body: bytes | memoryview = b""
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(JSON_TYPE,))
    effect: bool = False
    dead_key: bool = False
    retry_after_s: int | None = None
    fault_not_applicable: bool = False
    refused: bool = False


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with every secret replaced, also where it is percent-encoded."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, "[key]")
        elif secret in unquote(text):
            text = re.sub(re.escape(secret), "[key]", unquote(text))
    return text
