# SPDX-License-Identifier: Apache-2.0
"""The facts of the paper about api.video: operations, filters, limits, errors. `apivideo.json` holds them.

Titles of errors are strings on the wire, as names of fields are. Of what somebody observed, only our own names are
kept.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from tests.facts.markdown import QUOTED, integer, number, part, table

FILE: Final = Path(__file__).with_name("apivideo.json")

WORDS: Final = re.compile(r"GET|POST|PATCH|PUT|DELETE|same|/[\w{}/-]+")
FAMILIES: Final = ("uploaded-file", "video-source", "video-content-range")
"""What the short forms of the table of errors are short for."""

UNITS: Final = {
    "B": 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "minutes": 60,
    "h": 3_600,
    "days": 86_400,
}
QUANTITY: Final = re.compile(rf"(\d+(?:,\d{{3}})*)(?:\.\.(\d+(?:,\d{{3}})*))?(?: ({'|'.join(UNITS)})\b)?")

OBSERVED: Final = {
    "new videos are listed at once": "listed at once",
    "list by metadata returns": "metadata filter",
    "tag removed by PATCH": "removed tag",
    "empty container": "empty container",
    "after `1/*`": "received parts",
    "after a plain upload": "ingest after upload",
    "thumbnail can be uploaded or picked": "thumbnail without source",
    "an image sent as": "sniffed image",
    "thumbnail asset keeps": "thumbnail name",
    "caption: `default`": "captions",
    "player theme": "player theme",
    "webhooks: several": "equal webhooks",
    "upload with token needs": "upload by token",
    "token ttl echoed": "token ttl",
    "deleting a video that has a watermark": "watermark in use",
}
"""How a row of section 10 begins → our name for it."""


def facts(paper: str) -> dict[str, Any]:
    """What the paper says that descriptions and the emulator are held against."""
    rows = table(part(paper, "3. Operations"))
    errors = table(part(paper, "7. Errors"))
    filters = part(paper, "List filters")
    (prefixes,) = re.findall(r"^Id prefixes in examples: (.*)", paper, re.MULTILINE)
    return {
        "operations": operations(rows),
        "paged": re.findall(r"GET (/[\w{}/-]+) `P`", " | ".join(cells[1] for cells in rows)),
        "orders": orders(filters),
        "filters": sorted(set(re.findall(r"`([\w\[\]=.]+)`", filters))),
        "id_prefixes": QUOTED.findall(prefixes),
        "limits": {cells[0]: quantities(cells[1]) for cells in table(part(paper, "Limits"))},
        "quotas": {
            cells[0]: {"sandbox": int(cells[1]), "production": int(cells[2])}
            for cells in table(part(paper, "5. Rate limits"))
        },
        "codes": codes(errors),
        "titles": [title for cells in errors for title in re.findall(r'"([A-Z][^"]+\.)"', cells[2])],
        "webhooks": webhooks(part(paper, "8. Objects worth care")),
        "sandbox": sandbox(part(paper, "Sandbox [D]")),
        "observed": [observed(cells[0]) for cells in table(part(paper, "10. What the live tests"))],
        "contradictions": [cells[0] for cells in table(part(paper, "12. Contradictions"))],
    }


def operations(rows: list[list[str]]) -> list[dict[str, Any]]:
    """Section 3: every operation with its status."""
    found: list[dict[str, Any]] = []
    for _, cell, success, _ in rows:
        places = _places(cell)
        statuses = re.findall(r"\d{3}", re.sub(r", or 202.*?\*\*", "", success))
        if len(statuses) == 1:
            statuses *= len(places)
        for (method, path), status in zip(places, statuses, strict=True):
            found.append({"method": method, "path": path, "status": int(status)})
    return found


def orders(text: str) -> dict[str, list[str]]:
    """What each list can be sorted by."""
    _, *pieces = re.split(r"(?:^- |\. )(/[\w/-]+(?: and /[\w/-]+)*): ", text, flags=re.MULTILINE)
    found: dict[str, list[str]] = {}
    last: list[str] = []
    for paths, body in zip(pieces[::2], pieces[1::2], strict=True):
        choices = re.search(r"\bsortBy`? (\w+(?:\|\w+)*)", body)
        if choices is None and not body.startswith("same sortBy"):
            continue
        last = choices[1].split("|") if choices else last
        found |= dict.fromkeys(paths.split(" and "), last)
    return found


def quantities(cell: str) -> list[int]:
    """The numbers of a cell in bytes, seconds or pieces, in their order."""
    found: list[int] = []
    for first, second, unit in QUANTITY.findall(cell):
        scale = UNITS.get(unit, 1)
        found += [integer(digits) * scale for digits in (first, second) if digits]
    return found


def codes(rows: list[list[str]]) -> dict[str, int]:
    """Section 7: every slug with its status; short forms are spelt out."""
    found: dict[str, int] = {}
    for status, cell, *_ in rows:
        family = ""
        for name in re.findall(r"`(-?[a-z-]+)`", cell.split("(page slug")[0]):
            if name.endswith("-"):
                family = name
            elif name.startswith("-"):
                found[family.rstrip("-") + name] = int(status)
            else:
                found[family + name if family.endswith("-") else name] = int(status)
                family = family or next((item for item in FAMILIES if name.startswith(item)), "")
    return found


def webhooks(text: str) -> dict[str, Any]:
    """Section 8: the events, and how often a delivery is tried again after how long."""
    (line,) = re.findall(r"Six events: (.*)", text)
    events: list[str] = []
    for name in re.findall(r"[a-z-]*(?:\.[a-z]+)+", re.sub(r"\(.*?\)", "", line)):
        events.append(events[-1].rpartition(".")[0] + name if name.startswith(".") else name)
    return {
        "events": events,
        "retries": number(text, r"(\d+) retries, \d+ seconds apart"),
        "apart_s": number(text, r"\d+ retries, (\d+) seconds apart"),
    }


def sandbox(text: str) -> dict[str, Any]:
    """Section 8: what happens to files and broadcasts there."""
    return {
        "cut_s": number(text, r"(\d+)-second cap"),
        "watermark": "unremovable watermark" in text,
        "kept_s": number(text, r"deletion (\d+) h") * 3_600,
        "broadcast_s": number(text, r"stops after (\d+) minutes") * 60,
    }


def observed(cell: str) -> str:
    """Our name of what a live test has seen; a row that is new has none."""
    (name,) = (name for begin, name in OBSERVED.items() if cell.startswith(begin))
    return name


def _places(cell: str) -> list[tuple[str, str]]:
    """The methods and paths of a cell: `GET, PATCH /a; DELETE same`."""
    places: list[tuple[str, str]] = []
    methods: list[str] = []
    path = ""
    for word in WORDS.findall(cell):
        if not word.startswith("/") and word != "same":
            methods.append(word)
            continue
        if word != "same":
            path = word.partition("?")[0]
        places += [(method, path) for method in methods]
        methods = []
    return places
