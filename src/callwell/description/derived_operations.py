# SPDX-License-Identifier: Apache-2.0
"""Operations that a profile derives from those of the document.

One response often names several files: a caption's record, say, has the signed URL of its text. `like` in a profile
makes a second operation with the request of the first and a name of its own, so that each file has its own asset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from callwell.description.error import DescriptionError, unknown_operation
from callwell.description.names import to_snake_case

if TYPE_CHECKING:
    from callwell.core.rules.profile import Profile
    from callwell.description.model import Api


def add_derived_operations(api: Api, profile: Profile) -> Api:
    """The operations of the document, and after them those that the profile derives.

    Args:
        api: the operations of the document.
        profile: the profile; an operation with `like` in it is derived.

    Raises:
        DescriptionError: a new name exists already or cannot be one, or the other operation does not exist.
    """
    operations = dict(api.operations)
    for name, rule in profile.operations.items():
        if rule.like is None:
            continue
        path = ("operations", name)
        parts = name.split(".")
        if name in api.operations:
            raise DescriptionError((*path, "like"), f"expected a new name, found {name!r}, an operation")
        if len(parts) != 2 or any(to_snake_case(part) != part or not part.isidentifier() for part in parts):  # noqa: PLR2004 - a group and a method
            raise DescriptionError(path, "expected a group and a method, such as things.picture", found=name)
        if rule.like not in api.operations:
            raise unknown_operation((*path, "like"), rule.like, api)
        like = api.operations[rule.like]
        operations[name] = replace(like, name=name, summary=rule.summary or like.summary)
    return replace(api, operations=operations)
