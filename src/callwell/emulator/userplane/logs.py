# SPDX-License-Identifier: Apache-2.0
"""The three logs of a recording, made from its ID alone: console, network and user actions."""

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


def build_log(kind: str, recording_id: str, duration_ms: int) -> bytes:
    """Return one log as JSON.

    Args:
        kind: `console_log`, `network_log` or `action`.
        recording_id: decides all entries.
        duration_ms: all entries are within this time.
    """
    # Seeded on purpose: the same recording always has the same logs.
    rng = random.Random(f"{recording_id}/{kind}")  # noqa: S311
    make = {"console_log": _console, "network_log": _network, "action": _action}[kind]
    times = sorted(rng.randrange(duration_ms) for _ in range(rng.randint(12, 40)))
    entries = [{"timestampMs": time, **make(rng)} for time in times]
    return msgspec.json.encode({"version": 1, "recordingId": recording_id, "kind": kind, "entries": entries})


def _console(rng: random.Random) -> Mapping[str, Any]:
    line = rng.randrange(1, 900)
    return {
        "level": rng.choice(LEVELS),
        "message": rng.choice(LINES),
        "source": f"https://app.example.test/static/app.js:{line}:{line % 80}",
    }


def _network(rng: random.Random) -> Mapping[str, Any]:
    return {
        "method": rng.choice(("GET", "GET", "GET", "POST", "PUT")),
        "url": f"https://app.example.test{rng.choice(CALLS)}",
        "status": rng.choice(STATUSES),
        "durationMs": rng.randrange(8, 900),
        "requestBytes": rng.randrange(0, 2_000),
        "responseBytes": rng.randrange(0, 60_000),
        "type": rng.choice(("fetch", "xhr", "script")),
    }


def _action(rng: random.Random) -> Mapping[str, Any]:
    return {
        "type": rng.choice(ACTIONS),
        "target": rng.choice(TARGETS),
        "x": rng.randrange(1280),
        "y": rng.randrange(720),
        "page": rng.choice(PAGES),
    }
