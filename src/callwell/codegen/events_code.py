# SPDX-License-Identifier: Apache-2.0
"""The types of the events that a provider sends to webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.description.names import to_pascal_case

if TYPE_CHECKING:
    from callwell.codegen.annotations import AnnotationWriter
    from callwell.core.rules.webhooks import EventRule, WebhookRule
    from callwell.description.provider import Provider

UNION_NAME: Final = "WebhookEvent"


def declare_events(provider: Provider, annotations: AnnotationWriter) -> None:
    """Declare a type for each documented event, and `WebhookEvent` as their union. Providers may have none."""
    rule = provider.profile.webhooks
    if rule is None or not rule.events:
        return
    names = [annotations.value(_schema(rule, name, event), UNION_NAME) for name, event in rule.events.items()]
    annotations.alias(UNION_NAME, " | ".join(names))


def _schema(rule: WebhookRule, name: str, event: EventRule) -> dict[str, Any]:
    """The schema of an event. The field with its name is a constant, which discriminates the union."""
    strings = [rule.at, *event.texts] if rule.at else [*event.texts]
    fields = {field: {"type": "string"} for field in strings}
    fields |= {field: {"type": "number"} for field in event.numbers}
    fields |= {field: {"type": "boolean"} for field in event.flags}
    return {
        "type": "object",
        "title": f"{to_pascal_case(*name.replace('-', '.').split('.'))}Event",
        "description": event.summary,
        "properties": {rule.event: {"const": name}, **fields},
        "required": [rule.event],
    }
