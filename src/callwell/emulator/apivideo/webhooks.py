# SPDX-License-Identifier: Apache-2.0
"""The addresses that are told of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import Field, is_text, some_of
from callwell.emulator.apivideo.pages import answer
from callwell.emulator.apivideo.records import Webhook, iso
from callwell.emulator.apivideo.replies import refuse, success

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

EVENTS: Final = (
    *("live-stream.broadcast.started", "live-stream.broadcast.ended", "video.source.recorded"),
    *("video.encoding.quality.completed", "video.caption.generated", "video.summary.generated"),
)
CREATION: Final = {"events": Field(some_of(*EVENTS), required=True), "url": Field(is_text, required=True)}


def create_webhook(call: Call) -> Reply:
    """One more address; several may be the same."""
    given = call.body(CREATION)
    if len(call.account.webhooks) >= call.options.webhooks_most:
        raise refuse("webhook-limit-reached", "url")
    secret = call.account.new_id("sig_sec_")
    webhook = Webhook(call.account.new_id("webhook_"), call.wall, given["events"], given["url"], secret)
    call.account.webhooks[webhook.id] = webhook
    return success(_shown(webhook), 201, effect=True)


def list_webhooks(call: Call) -> Reply:
    """All addresses, or those that are told of some event."""
    wanted = {event for text in call.query.several("events") for event in text.split(",")}
    rows = [each for each in call.account.webhooks.values() if wanted <= set(each.events)]
    return answer(call, rows, _shown)


def get_webhook(call: Call) -> Reply:
    """One address."""
    return success(_shown(call.named(call.account.webhooks, "webhookId")))


def delete_webhook(call: Call) -> Reply:
    """Tell an address nothing more."""
    del call.account.webhooks[call.named(call.account.webhooks, "webhookId").id]
    return success(status=204, effect=True)


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {
        "webhookId": webhook.id,
        "createdAt": iso(webhook.created),
        "events": webhook.events,
        "url": webhook.url,
        "signatureSecret": webhook.secret,
    }
