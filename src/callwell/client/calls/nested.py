# SPDX-License-Identifier: Apache-2.0
"""Lets only the outermost of nested callers retry: three layers with six attempts each make 6 requests instead of 216.

A context variable, or a header across processes, tells a layer that an outer one retries. The variable is set by
`outer_retries` around a program's own loop, and by a client around a transport passed to it, which may call other
clients. The header is sent only if the profile announces retries: a provider that does not use Callwell ignores it at
best, and might refuse an unknown header.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec.structs import replace

from callwell.core import retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.client.calls.options import ResolvedOptions
    from callwell.core.rules.profile import RetryRule
    from callwell.errors import CallwellError
    from callwell.transport.base import StreamedBody

    E = TypeVar("E", bound=CallwellError)

OUTER_RETRIES: Final = ContextVar("callwell_retried", default=False)
"""Whether code around the current task retries."""


@contextmanager
def outer_retries() -> Iterator[None]:
    """Declare that the code around this block retries: calls inside make one attempt each.

    Tasks started inside inherit this, threads do not.
    """
    token = OUTER_RETRIES.set(True)
    try:
        yield
    finally:
        OUTER_RETRIES.reset(token)


def has_outer_retries(options: ResolvedOptions) -> bool:
    """Whether a caller of this call retries."""
    return options.nested or OUTER_RETRIES.get()


def is_one_time(body: bytes | StreamedBody | None) -> bool:
    """Whether a body can be sent only once."""
    return not (body is None or isinstance(body, bytes)) and body.one_time


def retry_rule(rule: RetryRule, options: ResolvedOptions, body: bytes | StreamedBody | None) -> RetryRule:
    """The retry rule of this call: a single attempt if an outer caller retries or the body can be sent only once.

    Args:
        rule: the profile's.
        options: of the call.
        body: that it sends.
    """
    if has_outer_retries(options) or is_one_time(body):
        return replace(rule, attempts=1, throttles=0)
    return retry.allow_unsafe_5xx(rule) if options.retry_unsafe_5xx else rule


def explain_single_attempt(error: E, options: ResolvedOptions, body: bytes | StreamedBody | None) -> E:
    """The error, with the reason why only one attempt was made, if no second one was possible."""
    reason = ""
    if is_one_time(body):
        reason = "since its body can be read only once: pass bytes, a path or an open file"
    elif has_outer_retries(options):
        reason = "since a caller of this call retries"
    if reason and error.args:
        error.args = (f"{error.args[0]} (one attempt only, {reason})", *error.args[1:])
    return error
