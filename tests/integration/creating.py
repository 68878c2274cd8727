# SPDX-License-Identifier: Apache-2.0
"""A program that makes one video under a name, exactly once; its job is JSON on the command line."""

from __future__ import annotations

import json
import sys
from typing import Any

from callwell import Client, OutcomeUnknown
from callwell.clock import parse_clock


def _create(job: dict[str, Any]) -> str:
    with Client(
        "apivideo",
        key=job["key"],
        base_url=job["base_url"],
        state=job["state"],
        clock=parse_clock(job["clock"]),
        deadline_s=None,
    ) as api:
        try:
            return api.with_options(exactly_once=job["name"]).videos.create(title=job["name"])["videoId"]
        except OutcomeUnknown:
            return ""


if __name__ == "__main__":
    sys.stdout.write(_create(json.loads(sys.argv[1])))
