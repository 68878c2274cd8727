# SPDX-License-Identifier: Apache-2.0
"""What error reporters write down of an exception: the locals of every frame, and what they make of each value."""

from __future__ import annotations

import base64
import traceback
from typing import TYPE_CHECKING, Any, Final

import sentry_sdk
from rich.traceback import Traceback
from sentry_sdk.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentry_sdk.envelope import Envelope


class Kept(Transport):
    """Keeps what would be sent to Sentry."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep an event."""
        self.events.append(envelope.serialize().decode())


def by_sentry(error: BaseException) -> str:
    """The event that the SDK of Sentry makes at its defaults."""
    kept = Kept()
    reporter = sentry_sdk.Client("http://public@127.0.0.1:9/1", transport=kept, default_integrations=False)
    with sentry_sdk.new_scope() as scope:
        scope.set_client(reporter)
        scope.capture_exception(error)
    reporter.close()
    return "".join(kept.events)


def by_rich(error: BaseException) -> str:
    """What a traceback of rich is made of, with the locals of every frame, also of its causes."""
    trace = Traceback.extract(type(error), error, error.__traceback__, show_locals=True, locals_max_string=1000)
    shown = [stack.exc_type for stack in trace.stacks]
    for stack in trace.stacks:
        for frame in stack.frames:
            shown += [f"{name} = {value}" for name, value in (frame.locals or {}).items()]
    return "\n".join(shown)


def by_traceback(error: BaseException) -> str:
    """A traceback of the standard library with the locals of every frame."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


REPORTERS: Final[dict[str, Callable[[Any], str]]] = {
    "traceback": by_traceback,
    "rich": by_rich,
    "sentry": by_sentry,
}


def spellings(secret: str) -> tuple[str, ...]:
    """A secret as it is, and as basic authentication has it."""
    return secret, base64.b64encode(f"{secret}:".encode()).decode().rstrip("=")
