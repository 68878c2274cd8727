# SPDX-License-Identifier: Apache-2.0
"""What a provider sends by itself: whether it is the provider's, and what it says.

The signature is looked at before anything of the body is read, over the bytes as they came, and compared in constant
time. How it is made and which events there are is said by the provider's profile, in the table `[webhooks]`.
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

MOST_BYTES: Final = 1 << 20
"""A delivery is a note, not a file: a longer body is refused unread."""


class Event(NamedTuple):
    """One delivery that is the provider's.

    Attributes:
        type: which event it is.
        known: it is one of those that the profile names; others come through as well.
        webhook: the provider's name of the webhook that it was sent to, if it says.
        at: seconds since the epoch at which it was sent, if it says.
        digest: of the body: the same for each try of one delivery, so that a second one can be told.
        data: the body. Each provider's client module names its shapes: `WebhookEvent` is any of the known ones.
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
    """See that a delivery is the provider's.

    Args:
        provider: a bundled provider's name, the folder of a description, or a loaded description.
        headers: of the request: by name whatever the case, as pairs of texts or bytes (ASGI), or as a WSGI `environ`.
        body: of the request, byte for byte as it came.
        secret: the webhook's, as a text, a `Key`, or a place such as `env:NAME` or `file:PATH`.
        max_age_s: the greatest age; a delivery that was caught and is sent again later is refused. Tries of the same
            delivery have the same age, so leave time for them. Unless given, every age is good.
        clock: another clock than the machine's.

    Raises:
        WebhookUnsigned: there is no signature, or several.
        WebhookForged: the signature is not that of this body under this secret.
        WebhookStale: it is older than `max_age_s`, or as much ahead of its time.
        WebhookGarbled: it is signed, and no event.
        InvalidOption: the provider's profile does not say how deliveries are signed; an option that cannot be.
        KeyMissing: there is no secret where it was looked for.
    """
    described = provider if isinstance(provider, Provider) else catalog.load(provider)
    rule, name = described.profile.webhooks, described.name
    if rule is None:
        raise InvalidOption("provider", name, "one whose profile has a [webhooks] table")
    if not isinstance(body, bytes | bytearray | memoryview):
        raise InvalidOption("body", type(body).__name__, "the bytes of the request as they came")
    if max_age_s is not None and (rule.at is None or not max_age_s > 0):
        raise InvalidOption("max_age_s", max_age_s, "seconds above zero, where events say when they were sent")
    given, raw = _named(headers), bytes(body)
    if len(raw) > MOST_BYTES:
        raise WebhookGarbled(f"{name}: a delivery of {len(raw)} bytes: longer than any event")
    secret = _secret(secret)  # from here on no frame shows its text
    _check(rule, name, given, raw, secret)
    data = _read(raw, name)
    kind, at = json_values.value_at(data, rule.event), _time(json_values.value_at(data, rule.at))
    if not isinstance(kind, str) or not kind:
        raise WebhookGarbled(f"{name}: a signed delivery without the name of an event at {rule.event!r}")
    if max_age_s is not None:
        _fresh(name, at, (clock or SystemClock()).wall(), max_age_s)
    webhook = given.get(rule.id.lower(), [""])[0] if rule.id else ""
    return Event(kind, kind in rule.events, webhook or None, at, hashlib.sha256(raw).hexdigest(), data)


def _named(headers: Headers) -> dict[str, list[str]]:
    """The headers' values by their names in small letters."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    named = dict[str, list[str]]()
    for name, value in pairs:
        if isinstance(value, str | bytes):
            key = _text(name).lower().replace("_", "-").removeprefix("http-")
            named.setdefault(key, []).append(_text(value))
    return named


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _secret(given: str | Key) -> Key:
    key = given if isinstance(given, Key) else _found(given)
    if not key:
        raise InvalidOption("secret", "an empty text", "the secret that the provider gave for the webhook")
    return key


def _found(given: str) -> Key:
    try:
        return parse_source(given, "").read()
    except InvalidOption:  # it names no place, so it is the secret itself
        return Key(given)


def _check(rule: WebhookRule, name: str, given: Mapping[str, list[str]], body: bytes, secret: Key) -> None:
    shown = given.get(rule.signature.lower(), [])
    if len(shown) != 1:
        what = "without" if not shown else "with more than one"
        raise WebhookUnsigned(f"{name}: a delivery {what} {rule.signature}: it is not the provider's, or was changed")
    if not _signs(secret, body, _decoded(shown[0], rule), rule.algorithm):
        why = "the body was changed on its way here, or the secret is that of another webhook"
        raise WebhookForged(f"{name}: {rule.signature} is not the signature of this body: {why}")


def _signs(secret: Key, body: bytes, signature: bytes, algorithm: str) -> bool:
    """Whether a signature is right; the right one is in no frame of the error that says it is not."""
    return hmac.compare_digest(signature, hmac.digest(secret.reveal().encode(), body, algorithm))


def _decoded(text: str, rule: WebhookRule) -> bytes:
    try:
        return bytes.fromhex(text) if rule.encoding == "hex" else base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        return b""


def _read(body: bytes, name: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WebhookGarbled(f"{name}: a signed delivery that is no JSON object: {error}") from error


def _time(said: Any) -> float | None:
    try:
        told = datetime.fromisoformat(said)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _fresh(name: str, at: float | None, now: float, most_s: float) -> None:
    if at is None:
        raise WebhookStale(f"{name}: a signed delivery that does not say when it was sent")
    if abs(now - at) > most_s:
        off = f"{now - at:.0f} s old" if now > at else f"{at - now:.0f} s ahead of its time"
        raise WebhookStale(f"{name}: a signed delivery that is {off}; at most {most_s:g} s are accepted")
