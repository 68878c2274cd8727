# SPDX-License-Identifier: Apache-2.0
"""The facts of the paper about Language Confidence: operations, choices, addresses, limits of sound.

`language_confidence.json` holds them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from tests.facts.markdown import QUOTED, number, part, row, table, tables

FILE: Final = Path(__file__).with_name("language_confidence.json")
SPEAKER: Final = ("speaker_gender", "speaker_age", "speaker_english_level")


def facts(paper: str) -> dict[str, Any]:
    """What the paper says that the description and the emulator are held against."""
    endpoints = part(paper, "3. Endpoints")
    fields = part(paper, "Request fields")
    blocks, replies = tables(part(paper, "5. Success replies"))
    (reading,) = (cells[1] for cells in blocks if cells[0].startswith("Reading"))
    (accents,) = re.findall(r"^\* `\{accent\}`: enum (.*?)\.", endpoints, re.MULTILINE)
    return {
        "operations": [
            {
                "path": QUOTED.findall(cells[0])[0],
                "required": QUOTED.findall(cells[2]),
                "optional": QUOTED.findall(cells[3]),
            }
            for cells in table(endpoints)
        ],
        "accents": QUOTED.findall(accents),
        "formats": QUOTED.findall(row(fields, "`audio_format`")[1]),
        "speakers": {name: QUOTED.findall(row(fields, f"`user_metadata.{name}`")[1]) for name in SPEAKER},
        "addresses": addresses(part(paper, "2. Base URLs")),
        "end_user_header": QUOTED.findall(row(part(paper, "4. Headers"), "`x-user-id`")[0])[0],
        "replies": {cells[0]: QUOTED.findall(re.sub(r"\{[^}]*\}", "", cells[1])) for cells in replies},
        "reading": QUOTED.findall(reading),
        "sound": sound(part(paper, "6. Audio limits")),
        "retried": retried(part(paper, "7. Errors")),
    }


def addresses(text: str) -> dict[str, Any]:
    """Section 2: the direct address and the market's, with the headers of each."""
    current = row(text, "**Current")
    market = row(text, "RapidAPI, scripted")
    return {
        "current": {
            "base_url": QUOTED.findall(current[1])[0],
            "headers": [QUOTED.findall(current[2])[0].split(":")[0]],
        },
        "market": {"base_url": QUOTED.findall(market[1])[0], "headers": QUOTED.findall(market[2])},
    }


def sound(text: str) -> dict[str, Any]:
    """Section 6: the longest recordings in the order of the operations, the best lengths, the least quality."""
    _, longest, best, *_ = row(text, "Max length")
    return {
        "longest_s": [int(item) for item in re.findall(r"(\d+) s", longest)],
        "best_s": [[int(least), int(most)] for least, most in re.findall(r"(\d+)\u2013(\d+) s", best)],
        "least_rate": number(row(text, "Sample rate")[3], r"read as (\d+) kHz") * 1_000,
        "least_bits": number(row(text, "Bit depth")[1], r"^minimum (\d+) bit$"),
    }


def retried(text: str) -> list[str]:
    """Section 7: statuses and failures after which a call is repeated."""
    causes = [cells[0] for cells in table(text) if cells[2].startswith(("yes", "**yes"))]
    return [cause for cell in causes for cause in re.split(r", |/", cell)]
