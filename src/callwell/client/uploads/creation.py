# SPDX-License-Identifier: Apache-2.0
"""The object of an upload: made once, whatever is lost, where the provider can mark what it makes.

The name under which it is made is stored before the request leaves, where the upload's position will be. So the same
upload, begun again after a kill or at the same time by another process, finds what was made. The name is forgotten with
the position, at the end of the upload, which can then be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callwell.client.exactly_once import store
from callwell.core import json_values, upload
from callwell.errors import InvalidOption, NameTaken, UploadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.client.calls.caller import AsyncCaller
    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload import Upload
    from callwell.state.base import Cell


class AsyncObjectCreator:
    """Makes the object of an upload.

    Args:
        caller: makes the calls.
        rule: how files are sent.
        cell: where the upload's position is stored; None if it cannot be gone on with.
    """

    def __init__(self, caller: AsyncCaller, rule: UploadRule, cell: Cell[Upload] | None) -> None:
        self._caller = caller
        self._rule = rule
        self._state = caller.config.state
        self._cell = cell

    async def make(
        self, blank: Upload, arguments: Mapping[str, object], deadline_s: float, *, anew: bool = False
    ) -> Upload:
        """Make it, or find what was made for this upload before.

        Args:
            blank: the upload, of which nothing has been sent.
            arguments: of the operation that makes the object.
            deadline_s: seconds for the call; infinite for no end.
            anew: whatever was made before is not meant.

        Returns:
            the upload with its object, and stored so. Somebody may have sent pieces of one that was not made now.
        """
        rule, wish = self._rule, self._caller.options.exactly_once
        if rule.create is None:
            raise InvalidOption(rule.target, None, "the name of the object that the file is for")
        marked = self._caller.find_operation(rule.create).rule.marker is not None
        if isinstance(wish, str) or not marked or self._cell is None:
            target = await self._call(rule.create, arguments, deadline_s, wish or marked)
            return self._kept(blank, target, found=isinstance(wish, str))
        name, found = self._name(blank, self._cell, anew=anew)
        try:
            target = await self._call(rule.create, arguments, deadline_s, name)
        except NameTaken:  # what was made is not there any more
            name, found = self._name(blank, self._cell, anew=True)
            target = await self._call(rule.create, arguments, deadline_s, name)
        shared = blank._replace(maker=name, revived=True)  # another process that makes the same upload may send pieces
        return self._kept(shared, target, found=found)

    def _name(self, blank: Upload, cell: Cell[Upload], *, anew: bool) -> tuple[str, bool]:
        """A name for the call that makes the object, and whether somebody has used it."""

        def change(before: Upload) -> tuple[Upload, tuple[str, bool, str]]:
            if before.maker and before.target is None and not anew:
                return before, (before.maker, True, "")
            begun = blank._replace(maker=f"upload {store.new_marker()}")
            return begun, (begun.maker, False, before.maker)

        name, found, old = self._state.update(cell, change)
        if old:
            self._caller.config.ledger().forget(old)
        return name, found

    async def _call(self, create: str, arguments: Mapping[str, object], deadline_s: float, wish: Any) -> str:
        left_s = None if deadline_s == float("inf") else deadline_s
        caller = self._caller.with_options({"deadline_s": left_s, "exactly_once": wish})
        answer = await caller.run(caller.find_operation(create), arguments)
        target = json_values.value_at(answer.json, self._rule.id)
        if not isinstance(target, str):
            raise UploadError(f"{create}: the answer names no object")
        return target

    def _kept(self, blank: Upload, target: str, *, found: bool) -> Upload:
        made = blank._replace(target=target)
        made = upload.resume(made) if found else made
        if self._cell is not None:
            self._state.update(self._cell, lambda _: (made, None))
        return made
