# SPDX-License-Identifier: Apache-2.0
"""What one call has in hand while it is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callwell.client.answers import Reading
    from callwell.client.order import Order
    from callwell.core.permits import Permit
    from callwell.keys import Key
    from callwell.transport.base import NoReply


class Trip:
    """What one call has in hand while it is under way.

    Args:
        order: the call.
        url: its address; a redirect changes it.
    """

    __slots__ = ("closes_at", "key", "last", "order", "permit", "retrying", "sending", "url")

    def __init__(self, order: Order, url: str) -> None:
        self.order = order
        self.url = url
        self.permit: Permit | None = None
        self.key: tuple[int, Key] | None = None
        self.sending = False
        self.closes_at = 0.0
        self.retrying = False
        self.last: Reading | NoReply | None = None
