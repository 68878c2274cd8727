# SPDX-License-Identifier: Apache-2.0
"""`python -m bench NAME [--json] [--write]`: measure, print, and keep the result if asked to."""

from __future__ import annotations

import argparse
import importlib
import json
from typing import TYPE_CHECKING, Final

from bench import report
from bench.rounds import machine

if TYPE_CHECKING:
    from bench.rounds import Sample


QUICK: Final = ("fleet", "simulate")


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=report.WANTED)
    parser.add_argument("--json", action="store_true", help="end with one line that holds everything as JSON")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results and bench/README.md")
    parser.add_argument(
        "--quick", action="store_true", help=f"a short run, whose figures say little: {' and '.join(QUICK)}"
    )
    asked = parser.parse_args()
    if asked.quick and (asked.write or asked.name not in QUICK):
        parser.error(f"--quick is for {' and '.join(QUICK)}, and keeps nothing")
    options = {"quick": True} if asked.quick else {}
    try:
        result: Sample = importlib.import_module(f"bench.{asked.name}").run(**options)
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
