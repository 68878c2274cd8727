# SPDX-License-Identifier: Apache-2.0
"""Webhooks: the addresses to which events are delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import AttributeRule, check_text, list_of
from callwell.emulator.apivideo.pages import page_reply
from callwell.emulator.apivideo.records import WebhookRecord, format_time
from callwell.emulator.apivideo.replies import api_error, success_reply

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

EVENTS: Final = (
    *("live-stream.broadcast.started", "live-stream.broadcast.ended", "video.source.recorded"),
    *("video.encoding.quality.completed", "video.caption.generated", "video.summary.generated"),
)
CREATION: Final = {
    "events": AttributeRule(list_of(*EVENTS), required=True),
    "url": AttributeRule(check_text, required=True),
}


def create_webhook(call: ApiVideoCall) -> Reply:
    """Create a webhook; several may have the same address."""
    given = call.parse_body(CREATION)
    if len(call.account.webhooks) >= call.options.max_webhooks:
        raise api_error("webhook-limit-reached", "url")
    secret = call.account.new_id("sig_sec_")
    webhook = WebhookRecord(
        id=call.account.new_id("webhook_"), created=call.wall_s, events=given["events"], url=given["url"], secret=secret
    )
    call.account.webhooks[webhook.id] = webhook
    return success_reply(_webhook_json(webhook), 201, effect=True)


def list_webhooks(call: ApiVideoCall) -> Reply:
    """Return all webhooks, or those of some events."""
    events = {event for text in call.query.values("events") for event in text.split(",")}
    rows = [webhook for webhook in call.account.webhooks.values() if events <= set(webhook.events)]
    return page_reply(call, rows, _webhook_json)


def get_webhook(call: ApiVideoCall) -> Reply:
    """Return one webhook."""
    return success_reply(_webhook_json(call.find_in(call.account.webhooks, "webhookId")))


def delete_webhook(call: ApiVideoCall) -> Reply:
    """Delete a webhook: nothing more is delivered to it."""
    del call.account.webhooks[call.find_in(call.account.webhooks, "webhookId").id]
    return success_reply(status=204, effect=True)


def _webhook_json(webhook: WebhookRecord) -> dict[str, Any]:
    return {
        "webhookId": webhook.id,
        "createdAt": format_time(webhook.created),
        "events": webhook.events,
        "url": webhook.url,
        "signatureSecret": webhook.secret,
    }
