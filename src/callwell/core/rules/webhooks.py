# SPDX-License-Identifier: Apache-2.0
"""The rule records of what a provider sends by itself: how it is signed, and which events there are."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventRule:
    """One kind of event.

    Attributes:
        summary: one line about it.
        texts: fields of its body that hold texts.
        numbers: those that hold numbers.
        flags: those that are true or false.
    """

    summary: str = ""
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRule:
    """How events are delivered: JSON objects, signed as they are by HMAC under a secret.

    Attributes:
        signature: the header with the signature of the body.
        encoding: how it is written there.
        algorithm: of the digest.
        id: the header that names the webhook, if there is one.
        event: where the body names the event.
        at: where it says when the event was sent, in ISO 8601, if it does.
        events: the documented events, by name.
    """

    signature: str
    encoding: Literal["hex", "base64"] = "hex"
    algorithm: Literal["sha256", "sha384", "sha512"] = "sha256"
    id: str | None = None
    event: str
    at: str | None = None
    events: dict[str, EventRule] = dataclasses.field(default_factory=dict)
