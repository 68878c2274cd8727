# SPDX-License-Identifier: Apache-2.0
"""The facts of the paper about Userplane: operations, codes, limits. `userplane.json` holds them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from tests.facts.markdown import QUOTED, integer, number, part, table

FILE: Final = Path(__file__).with_name("userplane.json")
WORKSPACE: Final = "/public/workspace/{workspaceId}"
RECORDING: Final = f"{WORKSPACE}/recordings/{{recordingId}}"


def facts(paper: str) -> dict[str, Any]:
    """What the paper says that descriptions and the emulator are held against."""
    codes = table(part(paper, "4. Error codes"))
    named = {match[1]: cells for cells in codes if (match := QUOTED.match(cells[0]))}
    return {
        "operations": operations(paper),
        "codes": {code: int(cells[1]) for code, cells in named.items()},
        "codes_of_clients": [code for code, cells in named.items() if cells[2].startswith("CLIENT-side")],
        "statuses_without_a_code": [int(cells[1]) for cells in codes if not QUOTED.match(cells[0])],
        "limits": limits(paper),
    }


def operations(paper: str) -> list[dict[str, Any]]:
    """Section 2, row by row."""
    found: list[dict[str, Any]] = []
    for count, place, _, asks, data, errors, *_ in table(part(paper, "2. Endpoints")):
        method, path = place.replace("`", "").split(" ")
        sorts = re.search(r"`sort_by` = `(\w+)` or `(\w+)`", asks)
        same = data.startswith("same shape")
        found.append(
            {
                "number": int(count),
                "method": method,
                "path": re.sub(r"^W(?=/|$)", WORKSPACE, path).replace("...", RECORDING),
                "sorts": list(sorts.groups()) if sorts else [],
                "lists": re.findall(r"`(\w+)\[\]`", asks),
                "data": found[-1]["data"]
                if same
                else sorted({re.split(r"\W", name)[0] for name in QUOTED.findall(data)}),
                "errors": found[-1]["errors"] if same else _codes(errors),
            }
        )
    return found


def limits(paper: str) -> dict[str, Any]:
    """Section 6: each row by its name, with its value where something is held against it."""
    rows = {cells[0]: cells[1] for cells in table(part(paper, "6. Limits"))}
    known = {
        "Requests per minute": integer(rows["Requests per minute"]),
        "Requests per day": integer(rows["Requests per day"]),
        "Window type": _windows(rows["Window type"]),
        "Rate headers / Retry-After": _headers(rows["Rate headers / Retry-After"]),
        "per_page default/max": {
            name: [int(usual), int(most)]
            for name, usual, most in re.findall(r"(\w+) (\d+)/(\d+)", rows["per_page default/max"])
        },
        "per_page domains, members": [
            number(rows["per_page domains, members"], r"assumed (\d+)/\d+"),
            number(rows["per_page domains, members"], r"assumed \d+/(\d+)"),
        ],
        "search `q` length": [int(item) for item in rows["search `q` length"].split("..")],
        "Keys per user": integer(rows["Keys per user"]),
        "Key lifetime choices": [integer(item) for item in re.findall(r"[\d,]{6,}", rows["Key lifetime choices"])],
        "Presigned URL life": number(rows["Presigned URL life"], r"assumed (\d+) s"),
    }
    return {name: known.get(name) for name in rows}


def _codes(cell: str) -> dict[str, int]:
    return {code: int(status) for code, status in re.findall(r"`([A-Z_]+)` (\d{3})", cell)}


def _windows(cell: str) -> dict[str, Any]:
    found = re.search(r"assumed (\w+) windows of ([\d,]+) s and ([\d,]+) s from (first request)", cell)
    if found is None:
        msg = "the windows of quotas are described in another way"
        raise LookupError(msg)
    return {"window": found[1], "seconds": [integer(found[2]), integer(found[3])], "from": found[4]}


def _headers(cell: str) -> list[str]:
    """The headers that report quotas: none is documented, and the first that is must be read here."""
    if not cell.startswith("none documented"):
        msg = "headers that report quotas are documented now"
        raise LookupError(msg)
    return []
