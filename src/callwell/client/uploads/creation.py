# SPDX-License-Identifier: Apache-2.0
"""Creates the object of an upload exactly once, where the provider can store a marker in it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from callwell.client.concurrency.primitives import use_state
from callwell.core import json_values, upload
from callwell.errors import InvalidOption, NameTaken, UploadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client.calls.caller import AsyncCaller
    from callwell.client.uploads.position import UploadPosition
    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload import Upload
    from callwell.state.base import Cell

T = TypeVar("T")


class AsyncObjectCreator:
    """Creates the object of an upload.

    Args:
        caller: makes the calls.
        rule: the profile's rule for uploads.
        position: where the upload's position is stored.
    """

    def __init__(self, caller: AsyncCaller, rule: UploadRule, position: UploadPosition) -> None:
        self._caller = caller
        self._rule = rule
        self._position = position

    async def create(
        self,
        blank: Upload,
        arguments: Mapping[str, object],
        deadline_s: float,
        *,
        gone: str | None = None,
        force_new: bool = False,
    ) -> Upload:
        """Create the object, or find the one that was created for this upload before.

        Args:
            blank: the upload, before its first piece.
            arguments: of the operation that creates the object.
            deadline_s: seconds for the call; infinite for no limit.
            gone: an object of this upload that no longer exists.
            force_new: create another object, even if one was created before.

        Returns:
            the upload with its object, as stored. If the object was found, another call may have sent pieces to it.
        """
        name = self._caller.options.exactly_once
        if self._rule.create is None:
            raise InvalidOption(self._rule.target, None, "the name of the object that gets the file")
        can_mark = self._caller.find_operation(self._rule.create).rule.marker is not None
        cell = self._position.cell
        if not isinstance(name, str) and can_mark and cell is not None:
            return await self._create_shared(cell, blank, arguments, deadline_s, gone=gone, force_new=force_new)
        target = await self._call(self._rule.create, arguments, deadline_s, exactly_once=name or can_mark)
        created = blank._replace(target=target)
        if isinstance(name, str):
            created = upload.resume(created)
        await self._use(partial(self._position.store, created))
        return created

    async def _create_shared(
        self,
        cell: Cell[Upload],
        blank: Upload,
        arguments: Mapping[str, object],
        deadline_s: float,
        *,
        gone: str | None,
        force_new: bool,
    ) -> Upload:
        """Create it under the name that all calls of the same upload share."""
        create = self._rule.create or ""
        enter = self._position.enter
        entered = await self._use(partial(enter, cell, blank, gone=gone, force_new=force_new))
        if entered.upload.target is None:
            try:
                target = await self._call(create, arguments, deadline_s, exactly_once=entered.upload.creation)
            except NameTaken:  # the object created under this name is gone
                entered = await self._use(partial(enter, cell, blank, gone=entered.upload.creation))
                target = entered.upload.target or await self._call(
                    create, arguments, deadline_s, exactly_once=entered.upload.creation
                )
            stored = await self._use(partial(self._position.store_target, cell, entered.upload, target))
            entered = entered._replace(upload=stored)
        if entered.is_new and not entered.upload.sent:
            return entered.upload
        return upload.resume(entered.upload)  # others may have sent pieces: ask first

    async def _use(self, work: Callable[[], T]) -> T:
        """Use the state that stores the position."""
        return await use_state(self._caller.config.state, work)

    async def _call(
        self, create: str, arguments: Mapping[str, object], deadline_s: float, *, exactly_once: str | bool
    ) -> str:
        left_s = None if deadline_s == float("inf") else deadline_s
        caller = self._caller.with_options({"deadline_s": left_s, "exactly_once": exactly_once})
        answer = await caller.run(caller.find_operation(create), arguments)
        target = json_values.value_at(answer.json, self._rule.id)
        if not isinstance(target, str):
            raise UploadError(f"{create}: the response names no object")
        return target
