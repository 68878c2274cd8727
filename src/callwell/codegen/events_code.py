# SPDX-License-Identifier: Apache-2.0
"""The shapes of the events that a provider sends by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.codegen.layout import WIDTH
from callwell.description.names import to_pascal_case

if TYPE_CHECKING:
    from callwell.codegen.annotate import Annotations
    from callwell.core.rules.webhooks import EventRule, WebhookRule
    from callwell.description.provider import Provider

NAME: Final = "WebhookEvent"


def events(provider: Provider, annotations: Annotations) -> None:
    """Declare each documented event, and `WebhookEvent` for any of them; nothing without webhooks."""
    rule = provider.profile.webhooks
    if rule is None or not rule.events:
        return
    names = [annotations.of(_shape(rule, name, said), NAME) for name, said in rule.events.items()]
    line = f"{NAME}: TypeAlias = {' | '.join(names)}"
    split = "\n    | ".join(names)
    annotations.declarations.append(line if len(line) <= WIDTH else f"{NAME}: TypeAlias = (\n    {split}\n)")


def _shape(rule: WebhookRule, name: str, said: EventRule) -> dict[str, Any]:
    texts = (*([rule.at] if rule.at else ()), *said.texts)
    kinds = (("string", texts), ("number", said.numbers), ("boolean", said.flags))
    fields = {field: {"type": kind} for kind, names in kinds for field in names}
    return {
        "type": "object",
        "title": f"{to_pascal_case(*name.replace('-', '.').split('.'))}Event",
        "description": said.summary,
        "properties": {rule.event: {"const": name}, **fields},
        "required": [rule.event],
    }
