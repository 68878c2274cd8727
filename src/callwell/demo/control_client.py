# SPDX-License-Identifier: Apache-2.0
"""The emulator's control port, as the demo needs it."""

from __future__ import annotations

import urllib.request
from typing import Any

import msgspec


class ControlClient:
    """The control port of a running emulator, which is on this machine.

    Args:
        url: its address.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> Any:
        """What it says."""
        with self._opener.open(f"{self._url}{path}", timeout=30) as answer:
            return msgspec.json.decode(answer.read())

    def post(self, path: str, body: object) -> Any:
        """Tell it something, and what it answers."""
        request = urllib.request.Request(  # noqa: S310 - the address is our own emulator's
            f"{self._url}{path}", msgspec.json.encode(body), {"content-type": "application/json"}
        )
        with self._opener.open(request, timeout=30) as answer:
            return msgspec.json.decode(answer.read())
