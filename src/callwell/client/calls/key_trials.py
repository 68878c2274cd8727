# SPDX-License-Identifier: Apache-2.0
"""What a response that is no success says about the key of its request: a new one may be why, and so may a dead one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.client.calls.context import TriedKey
from callwell.core import outcome

if TYPE_CHECKING:
    from callwell.client.calls.context import CallContext
    from callwell.core.types import Answered


def examine(context: CallContext, response: Answered, moved_to: str | None = None, *, documented: bool = False) -> bool:
    """Whether the call should be sent with another key: see `KeyHolder.find_other_key`.

    If the call has tried a new key before, this response is what the old one gets.

    Args:
        context: the call, which still holds its key.
        response: the response; of status 0 where none came.
        moved_to: where a redirect leads.
        documented: the profile knows the error code, so that it means the key only if it says so.
    """
    if context.key is None:
        return False
    generation = context.key[0]
    tried = context.tried_key
    if tried is not None:
        got = TriedKey(tried.generation, response.status, response.code, moved_to)
        if got == tried and generation != tried.generation:
            context.keys.record_same_response(tried.generation)
        context.tried_key = tried._replace(is_settled=True)
    refusal = None
    about_key = response.status in outcome.KEY_REFUSAL_STATUSES and not (documented or response.dead_key)
    if about_key and tried is None and not context.key_refused:
        refusal = f"{response.status} {response.code} {response.from_gateway}"
    is_on_trial = context.keys.is_on_trial(generation)
    found: bool = context.keys.find_other_key(generation, refusal)
    if found and is_on_trial:
        context.tried_key = TriedKey(generation, response.status, response.code, moved_to)
        context.key_refused = False
    elif found:
        context.key_refused = True
    return found


def report_success(context: CallContext, tried: TriedKey) -> None:
    """The call has tried a new key in vain, and has succeeded with the old one.

    Args:
        context: the call.
        tried: the new key, and its response.
    """
    if not tried.is_settled:
        context.keys.set_aside(tried.generation, f"{tried.status or 'no response'} {tried.code or ''}".strip())
