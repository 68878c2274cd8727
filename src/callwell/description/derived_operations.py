# SPDX-License-Identifier: Apache-2.0
"""Operations that a profile adds: the request of another one under a name of its own, for one file in its answer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from callwell.description.error import DescriptionError
from callwell.description.names import to_snake_case
from callwell.description.nearness import unknown

if TYPE_CHECKING:
    from callwell.core.rules.profile import Profile
    from callwell.description.model import Api


def add_derived_operations(api: Api, profile: Profile) -> Api:
    """The operations, with those that the profile adds after them.

    Args:
        api: the operations of the description.
        profile: which may say of a new name that it is like one of them.

    Raises:
        DescriptionError: the new name is taken or no name, or the other operation does not exist.
    """
    operations = dict(api.operations)
    for name, rule in profile.operations.items():
        if rule.like is None:
            continue
        path = ("operations", name)
        parts = name.split(".")
        if name in api.operations:
            raise DescriptionError((*path, "like"), f"expected a name that is free, found {name!r}, an operation")
        if len(parts) != 2 or any(to_snake_case(part) != part or not part.isidentifier() for part in parts):  # noqa: PLR2004
            raise DescriptionError(path, "expected a group and a method, such as things.picture", found=name)
        if rule.like not in api.operations:
            raise unknown((*path, "like"), rule.like, api)
        like = api.operations[rule.like]
        operations[name] = dataclasses.replace(like, name=name, summary=rule.summary or like.summary)
    return dataclasses.replace(api, operations=operations)
