# SPDX-License-Identifier: Apache-2.0
"""Only the outermost of nested callers retries: three layers with six attempts each send 6 requests, not 216.

A context variable says that an outer layer retries, or across processes a header. Whoever retries sets the variable:
`outer_retries` around the caller's own loop, and a client around a custom transport, which may call other clients. The
header is sent only if the profile says `announce_retries = true`: a provider that does not use Callwell does not need
it, and might refuse an unknown header.
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

    E = TypeVar("E", bound=CallwellError)

OUTER_RETRIES: Final = ContextVar("callwell_retried", default=False)


@contextmanager
def outer_retries() -> Iterator[None]:
    """Say that the code around this block retries: calls inside make one attempt each, and fail at once.

    A thread that is started inside does not know of it, a task does.
    """
    token = OUTER_RETRIES.set(True)
    try:
        yield
    finally:
        OUTER_RETRIES.reset(token)


def has_outer_retries(options: ResolvedOptions) -> bool:
    """Whether a caller of this call retries."""
    return options.nested or OUTER_RETRIES.get()


def retry_rule(profiles: RetryRule, options: ResolvedOptions) -> RetryRule:
    """How often this call is repeated: not at all if a caller of it does so."""
    if has_outer_retries(options):
        return replace(profiles, attempts=1, throttles=0)
    return retry.allow_unsafe_5xx(profiles) if options.retry_unsafe_5xx else profiles


def explain_single_attempt(error: E, options: ResolvedOptions) -> E:
    """The error of a call, which says so if it stood down."""
    if has_outer_retries(options) and error.args:
        error.args = (f"{error.args[0]} (one attempt only, since a caller of this call retries)", *error.args[1:])
    return error
