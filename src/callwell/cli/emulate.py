# SPDX-License-Identifier: Apache-2.0
"""`callwell emulate`: the providers, emulated on this machine until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from callwell import errors
from callwell.cli import output
from callwell.emulator.errors import AddressInUse, EmulatorError
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.quota import WindowKind
from callwell.emulator.response_headers import RateHeaderForm
from callwell.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from callwell.emulator.options import Endpoints

EXTRA: Final = "the emulator needs packages that are not installed (no {name}): {install}"

Port = Annotated[int, typer.Option(min=0, max=65_535, metavar="PORT", help="0 for any free one.")]

Providers = Annotated[
    list[str] | None, typer.Argument(metavar="PROVIDER", help="Emulate only these; all by default.", show_default=False)
]
MoreProviders = Annotated[
    list[str] | None, typer.Option("--provider", metavar="NAME", help="The same, as an option. Repeatable.")
]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


HAVE_A_FLAG: Final = {
    *("port", "storage_port", "control_port", "seed", "recordings", "clock", "window", "per_minute", "per_day"),
    *("public_url", "url_life_s", "retry_after", "rate_headers", "skew_s", "deprecated", "provider", "settings"),
}
SETTABLE: Final = {
    field.name: type(field.default) for field in fields(EmulatorOptions) if field.name not in HAVE_A_FLAG
}
"""Options without a flag of their own, such as those of single providers: `--set` finds them here."""


AsJson = Annotated[bool, typer.Option("--json", help="Print addresses and keys as one line of JSON.")]
Scale = Annotated[
    float | None, typer.Option("--scale", metavar="S", help="Run the clock S times as fast; CALLWELL_CLOCK by default.")
]
Window = Annotated[WindowKind, typer.Option("--window", help="Kind of the quota windows.")]
Told = Annotated[
    RateHeaderForm, typer.Option("--rate-headers", help="Send quota headers with every response, in this form.")
]
Skew = Annotated[
    int, typer.Option("--skew", metavar="SECONDS", help="Offset of the servers' time of day; may be negative.")
]
Deprecated = Annotated[
    list[str] | None,
    typer.Option(
        "--deprecated",
        metavar="OPERATION[=SECONDS]",
        help="Mark an operation as deprecated, with the seconds until its sunset. Repeatable.",
    ),
]
Others = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help=f"{', '.join(SETTABLE)}; or PROVIDER.NAME, NAME of the only one, as JSON. Repeatable.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of all data.")]
Recordings = Annotated[int, typer.Option("--recordings", metavar="N", help="How many recordings there are.")]
PerMinute = Annotated[int, typer.Option("--per-minute", metavar="N", help="Quota: requests per minute.")]
PerDay = Annotated[int, typer.Option("--per-day", metavar="N", help="Quota: requests per day.")]
UrlLife = Annotated[int, typer.Option("--url-life", metavar="SECONDS", help="How long signed URLs live.")]
RetryAfter = Annotated[bool, typer.Option("--retry-after", help="Send Retry-After with every 429.")]


PublicUrl = Annotated[
    str | None,
    typer.Option(
        "--public-url",
        metavar="URL",
        help="Address of a TLS proxy in front, as https://HOST or https://HOST/{port}; used in all responses.",
    ),
]


@app.command()
def emulate(
    providers: Providers = None,
    *,
    as_json: AsJson = False,
    provider: MoreProviders = None,
    seed: Seed = 1,
    recordings: Recordings = 40,
    scale: Scale = None,
    window: Window = "fixed",
    per_minute: PerMinute = 120,
    per_day: PerDay = 10_000,
    url_life: UrlLife = 900,
    retry_after: RetryAfter = False,
    rate_headers: Told = "off",
    skew: Skew = 0,
    deprecated: Deprecated = None,
    others: Others = None,
    port: Port = 0,
    storage_port: Port = 0,
    control_port: Port = 0,
    public_url: PublicUrl = None,
) -> None:
    """Emulate the providers on 127.0.0.1, with real quotas, signed URLs and faults on demand, until Ctrl-C."""
    clock = os.environ.get("CALLWELL_CLOCK") if scale is None else f"{scale:g}"
    told: dict[str, Any] = {"retry_after": retry_after, "rate_headers": rate_headers, "skew_s": skew}
    played = (*(providers or ()), *(provider or ()))
    world: dict[str, Any] = {"provider": played, "seed": seed, "recordings": recordings, "clock": clock}
    quota: dict[str, Any] = {"window": window, "per_minute": per_minute, "per_day": per_day, "url_life_s": url_life}
    ports: dict[str, Any] = {"port": port, "storage_port": storage_port, "control_port": control_port}
    ports["public_url"] = public_url
    gone = dict(map(_deprecated, deprecated or ()))
    options = EmulatorOptions(**world, **quota, **told, **ports, deprecated=gone, **_set(others or (), played))
    _play(options, as_json=as_json)


def _deprecated(text: str) -> tuple[str, int | None]:
    name, sign, seconds = text.partition("=")
    if sign and not seconds.isdecimal():
        raise errors.InvalidOption("--deprecated", text, "an operation, or OPERATION=SECONDS with whole seconds")
    return name, int(seconds) if sign else None


def _set(texts: Iterable[str], played: Sequence[str]) -> dict[str, Any]:
    """Return the options given by `--set`, converted to their types; those of a provider stay text for it to read."""
    made: dict[str, Any] = {"settings": {}}
    for text in texts:
        name, sign, value = text.partition("=")
        provider, dot, option = name.rpartition(".")
        name = option.replace("-", "_")
        if dot or (name not in SETTABLE and len(played) == 1):
            made["settings"][f"{(provider or played[0]).replace('-', '_')}.{name}"] = value
            continue
        if name not in SETTABLE:
            error = errors.UnknownName("--set", name, SETTABLE)
            raise errors.UsageError(f"{error}; an option of one provider is PROVIDER.NAME=VALUE")
        nouns = {int: "a whole number", bool: "true or false"}.get(SETTABLE[name], "another value")
        try:
            made[name] = msgspec.convert(value if sign else "", SETTABLE[name], strict=False)
        except msgspec.ValidationError as error:
            raise errors.InvalidOption(f"--set {name}", value, nouns) from error
    return made


def _play(options: EmulatorOptions, *, as_json: bool) -> None:
    try:
        from callwell.emulator.server import serve
    except ModuleNotFoundError as error:
        raise errors.LocalError(EXTRA.format(name=error.name, install=install_command("emulator"))) from error

    async def play(ready: Callable[[Endpoints], None]) -> None:
        serving = asyncio.ensure_future(serve(options, ready))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        with suppress(asyncio.CancelledError):
            await serving

    try:
        asyncio.run(play(_tell_json if as_json else _tell))
    except AddressInUse as error:
        raise errors.PortInUse(str(error)) from error
    except EmulatorError as error:
        raise errors.UsageError(str(error)) from error


def _tell_json(endpoints: Endpoints) -> None:
    output.emit(msgspec.json.encode(endpoints).decode())
    sys.stdout.flush()


def _tell(endpoints: Endpoints) -> None:
    from callwell.cli import variables
    from callwell.description import catalog

    output.emit_table(
        ("provider", "environment", "address"),
        [
            *(
                (name, one, point.base_url)
                for name, points in endpoints.providers.items()
                for one, point in points.items()
            ),
            ("control", None, endpoints.control),
        ],
    )
    output.emit("\nTo use it, in another shell:\n")
    for name, points in endpoints.providers.items():
        described = catalog.load(name)
        taken: set[str] = set()
        for environment, point in points.items():
            usual = environment == described.environment().name
            output.emit(f"export {variables.address(name, '' if usual else environment)}={shlex.quote(point.base_url)}")
            key = described.in_environment(environment).profile.key.env
            if key in taken:  # two environments of one key: each of the emulator's has its own
                own = variables.upper(f"{name}_{environment}_key")
                output.emit(f"export CALLWELL_{own}=env:{own}")
                key = own
            taken.add(key)
            output.emit(f"export {key}={shlex.quote(point.key)}")
    if endpoints.clock is not None:
        output.emit(f"export CALLWELL_CLOCK={shlex.quote(endpoints.clock)}")
    output.emit("\nCtrl-C stops it.")
    sys.stdout.flush()
