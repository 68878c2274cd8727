# SPDX-License-Identifier: Apache-2.0
"""Runs in each Python program of a drill, before its own code: only the emulator can be reached.

Python imports a module of this name when it starts, and the drill puts this folder first on `PYTHONPATH`. The program's
own `sitecustomize` is imported afterwards. The hook only sees Python's sockets; `isolation` lists the other layers.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

PORTS: Final = frozenset(map(int, os.environ.get("CALLWELL_DRILL_PORTS", "").split()))
"""The reachable ports of this machine."""

ATTEMPTS: Final = os.environ.get("CALLWELL_DRILL_ATTEMPTS", "")
"""The file to which refused addresses are appended, one per line."""

SENDING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
LOOKING_UP: Final = "socket.getaddrinfo"
LOOPBACK: Final = ("127.", "::1", "localhost", "::ffff:127.")
OWN_NAME: Final = os.environ.get("COMPUTERNAME") if os.name == "nt" else os.uname().nodename


def check_address(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse an address that is not the emulator's.

    Args:
        event: the audit event.
        arguments: its arguments: the socket and the address, or host and port.

    Raises:
        ConnectionRefusedError: the address is not the emulator's.
    """
    if event in SENDING:
        address = arguments[1]
        if not isinstance(address, tuple) or not isinstance(address[0], str):
            return  # a Unix socket, or a connected one
        host, port = address[:2]
        is_local = host.startswith(LOOPBACK)
        if is_local and (port in PORTS or os.name == "nt"):  # Windows connects socket pairs over loopback
            return
        _refuse(f"{host}:{port}")
    elif event == LOOKING_UP:
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        if host and not host.startswith(LOOPBACK) and host != OWN_NAME:
            _refuse(f"{host}:{arguments[1]}" if arguments[1] else host)


def _refuse(address: str) -> None:
    if ATTEMPTS:
        with suppress(OSError), open(ATTEMPTS, "a", encoding="utf-8") as file:  # noqa: PTH123 - loads nothing
            file.write(f"{address}\n")
    raise ConnectionRefusedError(f"{address}: a drill of Callwell refuses everything but its emulator")


def _import_the_programs_own() -> None:
    here = os.path.dirname(__file__)  # noqa: PTH120 - loads nothing
    sys.path[:] = [folder for folder in sys.path if folder != here]
    del sys.modules[__name__]
    with suppress(ImportError):
        import_module(__name__)  # another file of this name


if PORTS:
    sys.addaudithook(check_address)
    _import_the_programs_own()
