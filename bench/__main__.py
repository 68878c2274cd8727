# SPDX-License-Identifier: Apache-2.0
"""`python -m bench NAME [--json] [--write]`: measure, print, and keep the result if asked to."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
from typing import TYPE_CHECKING, Final

from bench import report
from bench.rounds import machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.rounds import Sample

OPTIONS: Final = ("quick", "minutes", "seed")


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=report.WANTED)
    parser.add_argument("--json", action="store_true", help="end with one line that holds everything as JSON")
    parser.add_argument("--write", action="store_true", help="keep the result in bench/results and bench/README.md")
    parser.add_argument("--quick", action="store_true", default=None, help="a short run, whose figures say little")
    parser.add_argument("--minutes", type=float, help="how long each part of a chaos run lasts; 5 if not given")
    parser.add_argument("--seed", type=int, help="what decides the chaos; 1 if not given")
    asked = parser.parse_args()
    options = {name: value for name in OPTIONS if (value := getattr(asked, name)) is not None}
    if options and asked.write:
        parser.error("only a run without options is kept")
    try:
        run: Callable[..., Sample] = importlib.import_module(f"bench.{asked.name}").run
        if refused := options.keys() - inspect.signature(run).parameters.keys():
            parser.error(f"{asked.name} has no --{min(refused)}")
        result = {"benchmark": asked.name} | run(**options) | {"machine": machine()}
    except ModuleNotFoundError as error:
        raise SystemExit(f"bench: {error.name} is missing: `make bench` installs it") from error
    print("\n".join(report.table(asked.name, result)))
    if asked.write:
        report.write(asked.name, result)
    if asked.json:
        print(json.dumps(result))
    if asked.name in report.PROOFS and report.missed(asked.name, result):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
