# SPDX-License-Identifier: Apache-2.0
"""Whether what a profile says about assessments fits itself, and what OpenAPI says about the operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.description import schemas
from callwell.description.answer_paths import place
from callwell.description.arguments import argument
from callwell.description.error import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.assess import AssessRule
    from callwell.core.rules.profile import Profile
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation


def complaints(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    """All that does not fit, in the profile's order.

    Args:
        profile: the profile.
        api: the operations that it speaks of.
    """
    default = ""
    for name, rule in profile.operations.items():
        path, operation = ("operations", name), api.operations.get(name)
        if rule.remember and rule.repeatable is not True:
            yield DescriptionError((*path, "remember"), "expected this beside repeatable = true only, found it without")
        if rule.assess is None or operation is None:
            continue
        if rule.audio is None:
            yield DescriptionError((*path, "assess"), "expected a table audio beside it, found none")
        if rule.assess.default and default:
            yield DescriptionError((*path, "assess", "default"), f"expected one default, found {default!r} as well")
        default = name if rule.assess.default else default
        yield from _assess(operation, rule.assess, (*path, "assess"))


def _assess(operation: Operation, rule: AssessRule, path: KeyPath) -> Iterator[DescriptionError]:
    for field in ("accent", "text"):
        if (name := getattr(rule, field)) is not None:
            yield from argument(operation, name, (*path, field), "string")
    if rule.script is not None and not (rule.text and rule.script.isalpha() and rule.script.islower()):
        yield DescriptionError((*path, "script"), "expected small letters, beside a text", found=rule.script)
    yield from place(operation, rule.score, "number", (*path, "score"))
    yield from place(operation, rule.words, "array", (*path, "words"))
    word = schemas.at_path(operation.response_schema, f"{rule.words}.0")
    for field in ("word", "word_score"):
        if word is not None and schemas.at_path(word, getattr(rule, field)) is None:
            yield DescriptionError((*path, field), "expected a field of a word", found=getattr(rule, field))
