# SPDX-License-Identifier: Apache-2.0
"""`python -m callwell.emulator`: play the providers until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

import msgspec

from callwell.emulator.errors import EmulatorError
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.quota import KINDS
from callwell.emulator.server import serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callwell.emulator.options import Endpoints


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT, or the end of standard input if that is watched.

    Args:
        argv: the arguments, those of the process by default.

    Returns:
        0 for a quiet end, 2 with one line on standard error if it could not start.
    """
    given = vars(_parser().parse_args(argv))
    as_json, watch = given.pop("json"), given.pop("watch_stdin")
    try:
        asyncio.run(_run(EmulatorOptions(**given), as_json=as_json, watch=watch))
    except EmulatorError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


async def _run(options: EmulatorOptions, *, as_json: bool, watch: bool) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.ensure_future(serve(options, _announce_json if as_json else _announce))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    if watch:
        loop.add_reader(sys.stdin.fileno(), _end_with_parent, serving)
    try:
        await serving
    except asyncio.CancelledError:
        return


def _end_with_parent(serving: asyncio.Future[None]) -> None:
    """The other end of standard input is held by whoever started this: nothing to read means that it has gone."""
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        serving.cancel()


def _announce_json(endpoints: Endpoints) -> None:
    sys.stdout.write(msgspec.json.encode(endpoints).decode() + "\n")
    sys.stdout.flush()


def _announce(endpoints: Endpoints) -> None:
    lines = [f"control      {endpoints.control}"]
    for name, environments in endpoints.providers.items():
        lines += [f"{name}/{where}  {point.base_url}  key {point.key}" for where, point in environments.items()]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="callwell.emulator", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one line of JSON that says where everything is")
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input ends")
    parser.add_argument("--retry-after", action="store_true", help="say in every 429 when to come back")
    parser.add_argument("--window", choices=KINDS, default=EmulatorOptions().window, help="how quota windows are cut")
    parser.add_argument("--clock", help="a faster clock: SCALE, or SCALE@ORIGIN@WALL")
    defaults = EmulatorOptions()
    for field in fields(EmulatorOptions):
        if field.name not in ("retry_after", "window", "clock"):
            flag = "--" + field.name.replace("_", "-")
            parser.add_argument(flag, type=int, default=getattr(defaults, field.name), metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
