# SPDX-License-Identifier: Apache-2.0
"""The three logs of a recording, made from its id alone: console, network and user actions."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES: Final = ("/", "/billing", "/billing/invoices", "/settings", "/team", "/reports", "/checkout")
LEVELS: Final = ("log", "log", "info", "warn", "error", "debug")
LINES: Final = (
    "route changed", "cart restored from storage", "slow render of InvoiceTable", "retrying the token refresh",
    "TypeError: cannot read properties of undefined (reading 'total')", "feature flag invoices.v2 is on",
    "ResizeObserver loop completed with undelivered notifications", "websocket reconnected",
)  # fmt: skip
CALLS: Final = ("/api/me", "/api/invoices", "/api/invoices/totals", "/api/team", "/api/events", "/static/app.js")
STATUSES: Final = (200, 200, 200, 200, 204, 304, 401, 404, 500)
ACTIONS: Final = ("click", "input", "scroll", "navigate", "focus", "keydown")
TARGETS: Final = ("button#pay", "input[name=email]", "a.nav-team", "table.invoices", "div.modal", "select#plan")


def log_of(kind: str, recording_id: str, duration_ms: int) -> bytes:
    """One log as JSON.

    Args:
        kind: `console_log`, `network_log` or `action`.
        recording_id: decides everything that is in it.
        duration_ms: the entries lie within this time.
    """
    # Seeded on purpose: the same recording always has the same logs.
    dice = random.Random(f"{recording_id}/{kind}")  # noqa: S311
    make = {"console_log": _console, "network_log": _network, "action": _action}[kind]
    times = sorted(dice.randrange(duration_ms) for _ in range(dice.randint(12, 40)))
    entries = [{"timestampMs": time, **make(dice)} for time in times]
    return msgspec.json.encode({"version": 1, "recordingId": recording_id, "kind": kind, "entries": entries})


def _console(dice: random.Random) -> Mapping[str, Any]:
    line = dice.randrange(1, 900)
    return {
        "level": dice.choice(LEVELS),
        "message": dice.choice(LINES),
        "source": f"https://app.example.test/static/app.js:{line}:{line % 80}",
    }


def _network(dice: random.Random) -> Mapping[str, Any]:
    return {
        "method": dice.choice(("GET", "GET", "GET", "POST", "PUT")),
        "url": f"https://app.example.test{dice.choice(CALLS)}",
        "status": dice.choice(STATUSES),
        "durationMs": dice.randrange(8, 900),
        "requestBytes": dice.randrange(0, 2_000),
        "responseBytes": dice.randrange(0, 60_000),
        "type": dice.choice(("fetch", "xhr", "script")),
    }


def _action(dice: random.Random) -> Mapping[str, Any]:
    return {
        "type": dice.choice(ACTIONS),
        "target": dice.choice(TARGETS),
        "x": dice.randrange(1280),
        "y": dice.randrange(720),
        "page": dice.choice(PAGES),
    }
