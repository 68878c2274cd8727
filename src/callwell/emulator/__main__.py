# SPDX-License-Identifier: Apache-2.0
"""`python -m callwell.emulator`: emulate the providers until a signal stops them."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.emulator.errors import EmulatorError
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.quota import WINDOW_KINDS
from callwell.emulator.response_headers import RATE_HEADER_FORMS
from callwell.emulator.server import serve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from callwell.emulator.options import Endpoints


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or, with `--watch-stdin`, the end of standard input.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        0 after a signal; 2, with one line on standard error, if the emulator could not start.
    """
    given = vars(_parser().parse_args(argv))
    given["deprecated"] = dict(given["deprecated"])
    given["settings"] = dict(given["settings"])
    given["provider"] = tuple(given["provider"])
    as_json = given.pop("json")
    watch = given.pop("watch_stdin")
    try:
        asyncio.run(_run(EmulatorOptions(**given), as_json=as_json, watch=watch))
    except EmulatorError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


async def _run(options: EmulatorOptions, *, as_json: bool, watch: bool) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.ensure_future(serve(options, _print_json if as_json else _print_endpoints))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    if watch:
        loop.add_reader(sys.stdin.fileno(), _stop_with_parent, serving)
    try:
        await serving
    except asyncio.CancelledError:
        return


def _stop_with_parent(serving: asyncio.Future[None]) -> None:
    """Stop at the end of standard input: the parent holds its other end, so it has gone."""
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        serving.cancel()


def _print_json(endpoints: Endpoints) -> None:
    sys.stdout.write(msgspec.json.encode(endpoints).decode() + "\n")
    sys.stdout.flush()


def _print_endpoints(endpoints: Endpoints) -> None:
    lines = [f"control      {endpoints.control}"]
    for name, environments in endpoints.providers.items():
        for environment, endpoint in environments.items():
            lines.append(f"{name}/{environment}  {endpoint.base_url}  key {endpoint.key}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="callwell.emulator", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the addresses and keys as one line of JSON")
    parser.add_argument("--watch-stdin", action="store_true", help="stop when standard input ends")
    defaults = EmulatorOptions()
    for field in fields(EmulatorOptions):
        default = getattr(defaults, field.name)
        kind: dict[str, Any] = {"type": int, "default": default, "metavar": "N"}
        if isinstance(default, bool):
            kind = {"action": "store_true"}
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, **(kind | FLAG_OVERRIDES.get(field.name, {})))
    return parser


def _parse_deprecation(text: str) -> tuple[str, int | None]:
    name, _, seconds = text.partition("=")
    if seconds and not seconds.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not OPERATION or OPERATION=SECONDS")
    return name, int(seconds) if seconds else None


def _parse_setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if "." not in name or not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME.OPTION=VALUE")
    return name, value


FLAG_OVERRIDES: Final[Mapping[str, dict[str, Any]]] = {
    "provider": {
        "type": str,
        "action": "append",
        "default": [],
        "metavar": "NAME",
        "help": "a provider to emulate; all by default",
    },
    "settings": {
        "type": _parse_setting,
        "action": "append",
        "default": [],
        "metavar": "NAME.OPTION=VALUE",
        "help": "an option of one provider; the value is JSON",
    },
    "public_url": {
        "type": str,
        "metavar": "URL",
        "help": "address of a TLS proxy in front of the ports, as https://HOST/{port}",
    },
    "clock": {"type": str, "metavar": "CLOCK", "help": "a faster clock: SCALE, or SCALE@ORIGIN@WALL"},
    "window": {"type": str, "choices": WINDOW_KINDS, "metavar": None, "help": "kind of the quota windows"},
    "retry_after": {"help": "send Retry-After with every 429"},
    "rate_headers": {
        "type": str,
        "choices": RATE_HEADER_FORMS,
        "metavar": None,
        "help": "send quota headers with every response, in this form",
    },
    "skew_s": {"help": "offset of the servers' time of day, in seconds"},
    "deprecated": {
        "type": _parse_deprecation,
        "action": "append",
        "default": [],
        "metavar": "OPERATION[=SECONDS]",
        "help": "an operation that is deprecated, and the seconds until its sunset",
    },
    "links_limit": {"help": "how many links may be created in each workspace"},
    "old_meta_name": {"help": "send the links' linkMeta under its older name meta"},
}


if __name__ == "__main__":
    sys.exit(main())
