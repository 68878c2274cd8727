# SPDX-License-Identifier: Apache-2.0
"""Restricts a thread, and all processes that it starts, to TCP connections to a few ports: Linux 6.7 and newer.

Landlock needs no privileges, and its restrictions cannot be undone (docs.kernel.org/userspace-api/landlock.html). It
checks ports but not addresses, so the emulator's port is reachable on other machines as well.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

CREATE_RULESET: Final = 444
ADD_RULE: Final = 445
RESTRICT_SELF: Final = 446
"""System call numbers, the same on all architectures with Landlock."""

ASK_VERSION: Final = 1
FIRST_WITH_TCP: Final = 4
CONNECT_TCP: Final = 1 << 1
RULE_OF_PORT: Final = 2
NO_NEW_PRIVILEGES: Final = 38
"""Constants of linux/landlock.h and linux/prctl.h."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64))


class _PortRule(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


def is_available() -> bool:
    """Whether the kernel can restrict TCP connections."""
    if not sys.platform.startswith("linux"):
        return False
    version = ctypes.CDLL(None).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)
    return bool(version >= FIRST_WITH_TCP)


def restrict_connections(ports: Iterable[int]) -> None:
    """Refuse TCP connections of this thread to all other ports, from now on.

    Args:
        ports: the reachable ports.

    Raises:
        OSError: the kernel does not support it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    rules = _Ruleset(files=0, network=CONNECT_TCP)
    ruleset = _check(libc.syscall(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(ctypes.sizeof(rules)), 0))
    try:
        for port in ports:
            rule = _PortRule(allowed=CONNECT_TCP, port=port)
            _check(libc.syscall(ADD_RULE, ruleset, RULE_OF_PORT, ctypes.byref(rule), 0))
        _check(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _check(libc.syscall(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
