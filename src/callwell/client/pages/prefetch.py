# SPDX-License-Identifier: Apache-2.0
"""The pages of a walk that are under way, in the order in which they will be read."""

from __future__ import annotations

import operator
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from callwell.client.concurrency.primitives import AsyncBackgroundTask, cancel_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.client.calls.responses import Answer
    from callwell.client.concurrency.primitives import AsyncFetch


class AsyncPrefetcher:
    """Pages that were asked for before they are read.

    Args:
        fetch: gets the page at a position.
    """

    def __init__(self, fetch: AsyncFetch) -> None:
        self._fetch = fetch
        self._under_way: deque[tuple[int | str | None, AsyncBackgroundTask[Answer]]] = deque()

    async def take(self, position: int | str | None) -> Answer:
        """The page at a position: the first of those that are wanted, or one that nobody has asked for."""
        if not self._under_way:
            return await self._get(position)
        answer = await self._under_way[0][1].result()
        self._under_way.popleft()
        return answer

    async def want(self, positions: Sequence[int | str | None]) -> bool:
        """Ask for the pages at these positions, and drop all others.

        Args:
            positions: in the order in which the pages will be read.

        Returns:
            whether positions can be reckoned: false if one turned out to be another than was thought. Then no more than
            the first page is asked for.
        """
        under_way = [position for position, _ in self._under_way]
        right = all(map(operator.eq, under_way, positions))
        keep = min(len(under_way), len(positions)) if right else 0
        await self._drop(keep)
        for position in positions[keep:] if right else positions[:1]:
            self._under_way.append((position, AsyncBackgroundTask(partial(self._get, position))))
        return right

    async def aclose(self) -> None:
        """Drop them all."""
        await self._drop(0)

    async def _drop(self, keep: int) -> None:
        late = [self._under_way.pop()[1] for _ in range(len(self._under_way) - keep)]
        await cancel_all(late)

    async def _get(self, position: int | str | None) -> Answer:
        answer: Answer = await self._fetch(position)
        return answer
