# SPDX-License-Identifier: Apache-2.0
"""Fetches the next pages of a walk in the background, in the order they will be read."""

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
    """Pages that are fetched before they are read.

    Args:
        fetch: fetches the page at a position.
    """

    def __init__(self, fetch: AsyncFetch) -> None:
        self._fetch = fetch
        self._under_way: deque[tuple[int | str | None, AsyncBackgroundTask[Answer]]] = deque()

    async def get(self, position: int | str | None) -> Answer:
        """The next page: the first one being fetched, or if there is none, the one at this position."""
        if not self._under_way:
            return await self._fetch_page(position)
        answer = await self._under_way[0][1].result()
        self._under_way.popleft()
        return answer

    async def prefetch(self, positions: Sequence[int | str | None]) -> bool:
        """Fetch the pages at these positions, and cancel all others.

        Args:
            positions: in the order the pages will be read.

        Returns:
            whether positions can be predicted: false if a page being fetched turned out to be at another position. Then
            only the first of `positions` is fetched.
        """
        under_way = [position for position, _ in self._under_way]
        is_predicted = all(map(operator.eq, under_way, positions))
        keep = min(len(under_way), len(positions)) if is_predicted else 0
        await self._cancel_after(keep)
        for position in positions[keep:] if is_predicted else positions[:1]:
            self._under_way.append((position, AsyncBackgroundTask(partial(self._fetch_page, position))))
        return is_predicted

    async def aclose(self) -> None:
        """Cancel them all."""
        await self._cancel_after(0)

    async def _cancel_after(self, keep: int) -> None:
        """Cancel all but the first `keep` pages, the last one first."""
        tasks = [self._under_way.pop()[1] for _ in range(len(self._under_way) - keep)]
        await cancel_all(tasks)

    async def _fetch_page(self, position: int | str | None) -> Answer:
        answer: Answer = await self._fetch(position)
        return answer
