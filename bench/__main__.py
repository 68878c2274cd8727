# SPDX-License-Identifier: Apache-2.0
"""`python -m bench NAME [--json] [--write]`: measure, print, and keep the result if asked to."""

from __future__ import annotations

import argparse
import importlib
import json
from typing import TYPE_CHECKING

from bench import report
from bench.rounds import machine

if TYPE_CHECKING:
    from bench.rounds import Sample


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=report.WANTED)
    parser.add_argument("--json", action="store_true", help="end with one line that holds everything as JSON")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results and bench/README.md")
    asked = parser.parse_args()
    try:
        result: Sample = importlib.import_module(f"bench.{asked.name}").run()
    except ModuleNotFoundError as error:
        raise SystemExit(f"bench: {error.name} is missing: `make bench` installs it") from error
    result = {"benchmark": asked.name} | result | {"machine": machine()}
    print("\n".join(report.table(asked.name, result)))
    if asked.write:
        report.write(asked.name, result)
    if asked.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
