# SPDX-License-Identifier: Apache-2.0
"""Verifies webhook deliveries: whether one comes from the provider, and which event it reports.

The signature of the raw bytes is checked before the body is parsed, and compared in constant time. The `[webhooks]`
table of the provider's profile says how deliveries are signed and which events there are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from callwell.clock import SystemClock
from callwell.core import json_values
from callwell.description import catalog
from callwell.description.provider import Provider
from callwell.errors import InvalidOption, WebhookForged, WebhookGarbled, WebhookStale, WebhookUnsigned
from callwell.keys import Key, parse_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import TypeAlias

    from callwell.clock import Clock
    from callwell.core.rules.webhooks import WebhookRule

    Headers: TypeAlias = Mapping[str, Any] | Iterable[tuple[str | bytes, str | bytes]]

__all__ = ["Event", "verify"]

MAX_BODY_BYTES: Final = 1 << 20
"""The most bytes of a delivery: it is a notification, not a file, so a longer body is refused without parsing."""


class Event(NamedTuple):
    """A verified delivery.

    Attributes:
        type: the provider's name of the event.
        known: the profile lists the event; others are also returned.
        webhook: the provider's ID of the webhook that the delivery was sent to, if it has one.
        at: when it was sent, in seconds since the epoch, if the delivery says so.
        digest: a hash of the body, the same for each attempt of one delivery, to detect duplicates.
        data: the body. Each provider's client module has types for it: `WebhookEvent` is any of the known ones.
    """

    type: str
    known: bool
    webhook: str | None
    at: float | None
    digest: str
    data: Any


def verify(
    provider: str | Path | Provider,
    headers: Headers,
    body: bytes,
    secret: str | Key,
    *,
    max_age_s: float | None = None,
    clock: Clock | None = None,
) -> Event:
    """Verify that a delivery comes from the provider.

    Args:
        provider: a bundled provider's name, the folder of a description, or a loaded description.
        headers: the request's headers: a mapping, pairs of text or bytes (ASGI), or a WSGI `environ`.
        body: the raw body of the request.
        secret: the webhook's secret, as text, a `Key`, or a place such as `env:NAME` or `file:PATH`.
        max_age_s: the maximum age in seconds, against replays. The provider's retries of a delivery count from the
            first attempt, so leave time for them. None accepts every age.
        clock: a clock to use instead of the machine's.

    Raises:
        WebhookUnsigned: there is no signature, or more than one.
        WebhookForged: the signature does not match this body and secret.
        WebhookStale: the delivery is older than `max_age_s`, or from that far in the future.
        WebhookGarbled: the delivery is signed, but is not an event.
        InvalidOption: the provider's profile does not describe webhooks, or an option is invalid.
        KeyMissing: there is no secret in the given place.
    """
    described = provider if isinstance(provider, Provider) else catalog.load(provider)
    rule = described.profile.webhooks
    name = described.name
    if rule is None:
        raise InvalidOption("provider", name, "one with a [webhooks] table in its profile")
    if not isinstance(body, bytes | bytearray | memoryview):
        raise InvalidOption("body", type(body).__name__, "the bytes of the request as they came")
    if max_age_s is not None and (rule.at is None or not max_age_s > 0):
        raise InvalidOption("max_age_s", max_age_s, "seconds above zero, where events say when they were sent")
    values = _lower_names(headers)
    raw = bytes(body)
    if len(raw) > MAX_BODY_BYTES:
        raise WebhookGarbled(f"{name}: the delivery has {len(raw)} bytes, more than any event")
    secret = _read_secret(secret)  # from here on no frame shows its text
    _check_signature(rule, name, values, raw, secret)
    data = _parse_body(raw, name)
    event = json_values.value_at(data, rule.event)
    sent_at = _parse_time(json_values.value_at(data, rule.at))
    if not isinstance(event, str) or not event:
        raise WebhookGarbled(f"{name}: the signed delivery has no event name at {rule.event!r}")
    if max_age_s is not None:
        _check_age(name, sent_at, (clock or SystemClock()).wall(), max_age_s)
    webhook = values.get(rule.id.lower(), [""])[0] if rule.id else ""
    return Event(
        type=event,
        known=event in rule.events,
        webhook=webhook or None,
        at=sent_at,
        digest=hashlib.sha256(raw).hexdigest(),
        data=data,
    )


def _lower_names(headers: Headers) -> dict[str, list[str]]:
    """The values of headers by lower-case name, without WSGI's prefix."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    named = dict[str, list[str]]()
    for name, value in pairs:
        if isinstance(value, str | bytes):
            key = _to_text(name).lower().replace("_", "-").removeprefix("http-")
            named.setdefault(key, []).append(_to_text(value))
    return named


def _to_text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _read_secret(given: str | Key) -> Key:
    key = given if isinstance(given, Key) else _read_place(given)
    if not key:
        raise InvalidOption("secret", "an empty string", "the secret that the provider gave for the webhook")
    return key


def _read_place(given: str) -> Key:
    try:
        return parse_source(given, "").read()
    except InvalidOption:  # the text does not name a place, so it is the secret itself
        return Key(given)


def _check_signature(rule: WebhookRule, name: str, values: Mapping[str, list[str]], body: bytes, secret: Key) -> None:
    signatures = values.get(rule.signature.lower(), [])
    if len(signatures) != 1:
        problem = "no" if not signatures else "more than one"
        raise WebhookUnsigned(
            f"{name}: the delivery has {problem} {rule.signature} header: it is not the provider's, or was changed"
        )
    if not _is_signature(_decode_signature(signatures[0], rule), secret, body, rule.algorithm):
        why = "the body was changed on its way here, or the secret belongs to another webhook"
        raise WebhookForged(f"{name}: {rule.signature} is not the signature of this body: {why}")


def _is_signature(signature: bytes, secret: Key, body: bytes, algorithm: str) -> bool:
    """Whether a signature is right. The expected one is not in any frame of the error that is raised otherwise."""
    return hmac.compare_digest(signature, hmac.digest(secret.reveal().encode(), body, algorithm))


def _decode_signature(text: str, rule: WebhookRule) -> bytes:
    """The bytes of a signature; empty, which never matches, if the text is malformed."""
    try:
        if rule.encoding == "hex":
            return bytes.fromhex(text)
        return base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        return b""


def _parse_body(body: bytes, name: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WebhookGarbled(f"{name}: the signed delivery is not a JSON object: {error}") from error


def _parse_time(text: Any) -> float | None:
    """Seconds since the epoch of a time in ISO 8601, in UTC unless it has a zone; None for anything else."""
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _check_age(name: str, sent_at: float | None, now: float, max_age_s: float) -> None:
    if sent_at is None:
        raise WebhookStale(f"{name}: the signed delivery does not say when it was sent")
    age_s = now - sent_at
    if abs(age_s) > max_age_s:
        age = f"{age_s:.0f} s old" if age_s > 0 else f"from {-age_s:.0f} s in the future"
        raise WebhookStale(f"{name}: the signed delivery is {age}; at most {max_age_s:g} s are accepted")
