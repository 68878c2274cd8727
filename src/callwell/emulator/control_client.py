# SPDX-License-Identifier: Apache-2.0
"""A client of the emulator's control port."""

from __future__ import annotations

import urllib.request
from typing import Any, Final

import msgspec

TIMEOUT_S: Final = 30
"""The emulator is on this machine; it answers in milliseconds unless the machine is overloaded."""


class ControlClient:
    """A client of the control port of a running emulator.

    Args:
        url: the address of the port.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        # Without proxies: the emulator is on this machine, whatever the environment says.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> Any:
        """Get a resource.

        Args:
            path: its path.

        Returns:
            the decoded response.
        """
        with self._opener.open(f"{self._url}{path}", timeout=TIMEOUT_S) as response:
            return msgspec.json.decode(response.read())

    def post(self, path: str, body: object) -> Any:
        """Post a request.

        Args:
            path: its path.
            body: what to send as JSON.

        Returns:
            the decoded response.
        """
        request = urllib.request.Request(  # noqa: S310 - the address is our own emulator's
            f"{self._url}{path}", msgspec.json.encode(body), {"content-type": "application/json"}
        )
        with self._opener.open(request, timeout=TIMEOUT_S) as response:
            return msgspec.json.decode(response.read())
