# SPDX-License-Identifier: Apache-2.0
"""The rule records of webhooks: how a provider signs the events that it sends, and which events exist."""

from typing import Literal

from msgspec import Struct, field


class EventRule(Struct, frozen=True, kw_only=True):
    """One kind of event.

    Attributes:
        summary: one line about it.
        texts: fields of its body that are strings.
        numbers: fields that are numbers.
        flags: fields that are true or false.
    """

    summary: str = ""
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


class WebhookRule(Struct, frozen=True, kw_only=True):
    """How events are delivered: as JSON objects with an HMAC of their bytes.

    Attributes:
        signature: the header with the HMAC of the body.
        encoding: how the HMAC is written.
        algorithm: the hash of the HMAC.
        id: the header with the ID of the webhook.
        event: path of the name of the event.
        at: path of the time of sending, in ISO 8601.
        events: the documented events, by name.
    """

    signature: str
    encoding: Literal["hex", "base64"] = "hex"
    algorithm: Literal["sha256", "sha384", "sha512"] = "sha256"
    id: str | None = None
    event: str
    at: str | None = None
    events: dict[str, EventRule] = field(default_factory=dict)
