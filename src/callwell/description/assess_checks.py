# SPDX-License-Identifier: Apache-2.0
"""Checks of a profile's rules for speech assessment, and for cached results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.description import schemas
from callwell.description.error import DescriptionError
from callwell.description.schema_checks import check_argument, check_response_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.assess import AssessRule
    from callwell.core.rules.profile import Profile
    from callwell.description.error import KeyPath
    from callwell.description.model import Api, Operation


def iter_errors(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    """Find all errors, in the order of the profile.

    Args:
        profile: the profile.
        api: the operations of the provider.
    """
    default = ""
    for name, rule in profile.operations.items():
        path = ("operations", name)
        operation = api.operations.get(name)
        if rule.remember and rule.repeatable is not True:
            # A result may only be cached if repeating the call would not change anything.
            yield DescriptionError((*path, "remember"), "expected repeatable = true beside it, found none")
        if rule.assess is None or operation is None:
            continue
        if rule.audio is None:
            yield DescriptionError((*path, "assess"), "expected a table audio beside it, found none")
        if rule.assess.default and default:
            yield DescriptionError((*path, "assess", "default"), f"expected one default, found {default!r} as well")
        if rule.assess.default:
            default = name
        yield from _check_assess(operation, rule.assess, (*path, "assess"))


def _check_assess(operation: Operation, rule: AssessRule, path: KeyPath) -> Iterator[DescriptionError]:
    for field in ("accent", "text"):
        if (name := getattr(rule, field)) is not None:
            yield from check_argument(operation, name, (*path, field), "string")
    if rule.script is not None and not (rule.text and rule.script.isalpha() and rule.script.islower()):
        yield DescriptionError((*path, "script"), "expected lower-case letters, beside a text", found=rule.script)
    yield from check_response_path(operation, rule.score, "number", (*path, "score"))
    yield from check_response_path(operation, rule.words, "array", (*path, "words"))
    word = schemas.at_path(operation.response_schema, f"{rule.words}.0")
    for field in ("word", "word_score"):
        name = getattr(rule, field)
        if word is not None and schemas.at_path(word, name) is None:
            yield DescriptionError((*path, field), "expected a field of a word", found=name)
