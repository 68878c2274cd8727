# SPDX-License-Identifier: Apache-2.0
"""An export as a program: the job is JSON on the command line, the report is JSON on standard output."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from callwell.client import AsyncClient
from callwell.clock import parse_clock
from callwell.errors import CallwellError
from callwell.export import Export
from callwell.export.run import WORKERS


async def _export(job: dict[str, Any]) -> dict[str, Any]:
    clock = parse_clock(job.pop("clock"))
    tree = job.pop("tree")
    only = job.pop("only", ())
    workers = job.pop("workers", WORKERS)
    async with AsyncClient("userplane", clock=clock, priority="batch", **job) as client:
        return (await Export(client, tree, only=only, workers=workers).run())._asdict()


def main() -> int:
    """The exit code is the error's, and its text is on standard error."""
    try:
        sys.stdout.write(json.dumps(asyncio.run(_export(json.loads(sys.argv[1])))))
    except CallwellError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
