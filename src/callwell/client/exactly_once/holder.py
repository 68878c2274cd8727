# SPDX-License-Identifier: Apache-2.0
"""Who works on a call that is made exactly once, and whether they still do.

On one machine this is seen, and no clock takes part: a holder of this process is at work until it says otherwise, one
of another process as long as that process lives. A process is known by its number and by when it began, since numbers
are given out again. Where it cannot be seen (another machine, a container with process numbers of its own), it is
unknown, and the record's time decides.
"""

from __future__ import annotations

import os
import platform
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from callwell.clock import boot_id

LIVE_HOLDERS: Final = set[str]()
"""Holders of this process that are at work."""

ENDED_STATES: Final = "ZX"
"""States of a process that has ended, though its parent has not asked for its end."""

START_TIME_FIELD: Final = 19
"""Which field of /proc/PID/stat after the name is the time when the process began, counted from its state."""


def new_holder() -> str:
    """A name for who works on a call: machine, process, when that began, and a random part."""
    number = os.getpid()
    return f"{_machine()}|{number}|{_start_time(number) or ''}|{secrets.token_hex(6)}"


def is_alive(holder: str) -> bool | None:
    """Whether a holder may still be at work; None if that cannot be seen from here.

    Args:
        holder: its name.
    """
    machine, number, *rest = holder.split("|")
    if machine != _machine() or os.name == "nt":
        return None
    began = rest[0] if len(rest) > 1 else None  # names of earlier versions do not say
    now = _start_time(int(number))
    if int(number) == os.getpid() and began == (now or ""):
        return holder in LIVE_HOLDERS
    if now is None or began is None:
        return None if now != "" and _process_exists(int(number)) else False
    return now == began


def _start_time(number: int) -> str | None:
    """When a process began; empty if it has ended, None if that cannot be seen."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "" if Path("/proc/self/stat").exists() else None
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in ENDED_STATES else fields[START_TIME_FIELD]


def _process_exists(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it is there, and somebody else's
    return True


@cache
def _machine() -> str:
    """This boot of this machine, and the space of its process numbers: containers have their own."""
    spaces = ""
    with suppress(OSError):
        spaces = Path("/proc/self/ns/pid").readlink().name
    return f"{boot_id()}{spaces or platform.node()}"
