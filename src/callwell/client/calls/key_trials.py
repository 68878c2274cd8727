# SPDX-License-Identifier: Apache-2.0
"""What an unsuccessful response shows about the key of its request: a new or a dead key may be the cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from callwell.client.calls import responses
from callwell.client.calls.context import TriedKey
from callwell.core import outcome
from callwell.core.quota.record import SendEnd
from callwell.core.types import Outcome

if TYPE_CHECKING:
    from callwell.client.calls.context import CallContext
    from callwell.client.calls.responses import ParsedResponse
    from callwell.core.rules.profile import ErrorRule
    from callwell.core.types import Answered
    from callwell.transport.base import NoReply


def examine(context: CallContext, rule: ErrorRule, parsed: ParsedResponse) -> tuple[Answered, SendEnd]:
    """The event of an unsuccessful response, and what the quotas learn from it.

    If the call has already tried a new key, this is the old key's response.

    Args:
        context: the call, which still holds its key.
        rule: the documented error codes.
        parsed: the response.
    """
    event = responses.to_event(rule, parsed)
    end = SendEnd(Outcome.DONE, event.status, parsed.wait_s, hints=context.hints)
    if context.key is None:
        return event, end
    generation = context.key[0]
    if context.keys.is_on_trial(generation):
        end = SendEnd(Outcome.DONE, event.status, inconclusive=True)
        other_key: bool = context.keys.find_other_key(generation, None)
        if other_key:
            context.tried_key = TriedKey(generation, event.status, event.code, parsed.moved_to)
            context.key_refused = False
        # A redirect is not followed: a known key may lead elsewhere.
        return replace(event, other_key=other_key, is_redirect=False), end
    tried = context.tried_key
    if tried is not None:
        if tried == TriedKey(tried.generation, event.status, event.code, parsed.moved_to):
            context.keys.record_same_response(tried.generation)
        context.tried_key = replace(tried, is_settled=True)
    elif event.status in outcome.KEY_REFUSAL_STATUSES and event.code not in rule.codes and not event.dead_key:
        kind = f"{event.status} {event.code} {event.from_gateway}"
        if not context.key_refused and context.keys.find_other_key(generation, kind):
            context.key_refused = True
            event = replace(event, other_key=True)
    return event, end


def examine_no_reply(context: CallContext, reply: NoReply) -> None:
    """Set a new key aside after its request got no response: the next attempt uses the old one."""
    if context.key is None or reply.outcome is Outcome.REFUSED or not context.keys.is_on_trial(context.key[0]):
        return
    generation = context.key[0]
    if context.keys.find_other_key(generation, None):
        context.tried_key = TriedKey(generation, 0, None, None)
