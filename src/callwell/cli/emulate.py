# SPDX-License-Identifier: Apache-2.0
"""`callwell emulate`: run emulated providers on this machine until Ctrl-C."""

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
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from callwell.emulator.options import Endpoint, Endpoints

NOT_INSTALLED: Final = "the emulator needs packages that are not installed ({name} is missing); run: {install}"


def _port(flag: str, purpose: str) -> Any:
    return typer.Option(flag, min=0, max=65_535, metavar="PORT", help=f"Port of {purpose}; 0 takes any free one.")


Port = Annotated[int, _port("--port", "the first API, others take the next numbers")]
StoragePort = Annotated[int, _port("--storage-port", "the first storage, others take the next numbers")]
ControlPort = Annotated[int, _port("--control-port", "the control server")]

ProviderArguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="PROVIDER", help="The providers to emulate. Default: all.", show_default=False),
]
ProviderOptions = Annotated[
    list[str] | None, typer.Option("--provider", metavar="NAME", help="Same as PROVIDER. Repeatable.")
]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


FIELDS_WITH_FLAG: Final = {
    *("port", "storage_port", "control_port", "seed", "recordings", "clock", "window", "per_minute", "per_day"),
    *("public_url", "url_life_s", "retry_after", "rate_headers", "skew_s", "deprecated", "provider", "settings"),
}
SETTABLE: Final = {
    field.name: type(field.default) for field in fields(EmulatorOptions) if field.name not in FIELDS_WITH_FLAG
}
"""What `--set` accepts: every field of `EmulatorOptions` without its own flag, so a new one needs no flag."""

EXPECTED: Final = {int: "a whole number", bool: "true or false"}
"""What a value of `--set` must be, by the type of its option."""


AsJson = Annotated[bool, typer.Option("--json", help="Print addresses and keys as one line of JSON.")]
Scale = Annotated[
    float | None, typer.Option("--scale", metavar="S", help="Run the clock S times as fast. Default: CALLWELL_CLOCK.")
]
Window = Annotated[
    WindowKind, typer.Option("--window", help="How the quota is counted: in fixed or in sliding windows.")
]
RateHeadersOption = Annotated[
    RateHeaderForm, typer.Option("--rate-headers", help="Report the remaining quota in every response, in this form.")
]
Skew = Annotated[
    int,
    typer.Option("--skew", metavar="SECONDS", help="How far the servers' clock is ahead; negative if it is behind."),
]
Deprecated = Annotated[
    list[str] | None,
    typer.Option(
        "--deprecated",
        metavar="OPERATION[=SECONDS]",
        help="Announce that an operation is deprecated, and in how many seconds it ends. Repeatable.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help=f"Set {', '.join(SETTABLE)}, or an option of a provider (PROVIDER.NAME if there are several). Repeatable.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="The seed of the emulated data.")]
Recordings = Annotated[int, typer.Option("--recordings", metavar="N", help="The number of recordings.")]
PerMinute = Annotated[int, typer.Option("--per-minute", metavar="N", help="The quota per minute.")]
PerDay = Annotated[int, typer.Option("--per-day", metavar="N", help="The quota per day.")]
UrlLife = Annotated[int, typer.Option("--url-life", metavar="SECONDS", help="How long signed URLs are valid.")]
RetryAfter = Annotated[bool, typer.Option("--retry-after", help="Send Retry-After with every 429.")]


PublicUrl = Annotated[
    str | None,
    typer.Option(
        "--public-url",
        metavar="URL",
        help="The address of a TLS proxy in front, used in all responses: https://HOST or https://HOST/{port}.",
    ),
]


@app.command()
def emulate(
    provider_arguments: ProviderArguments = None,
    *,
    as_json: AsJson = False,
    provider_options: ProviderOptions = None,
    seed: Seed = 1,
    recordings: Recordings = 40,
    scale: Scale = None,
    window: Window = "fixed",
    per_minute: PerMinute = 120,
    per_day: PerDay = 10_000,
    url_life: UrlLife = 900,
    retry_after: RetryAfter = False,
    rate_headers: RateHeadersOption = "off",
    skew: Skew = 0,
    deprecated: Deprecated = None,
    set_values: SetOption = None,
    port: Port = 0,
    storage_port: StoragePort = 0,
    control_port: ControlPort = 0,
    public_url: PublicUrl = None,
) -> None:
    """Run emulated providers on 127.0.0.1 until Ctrl-C, with real quotas, signed URLs and faults on demand."""
    names = (*(provider_arguments or ()), *(provider_options or ()))
    options = EmulatorOptions(
        provider=names,
        seed=seed,
        recordings=recordings,
        clock=os.environ.get("CALLWELL_CLOCK") if scale is None else f"{scale:g}",
        window=window,
        per_minute=per_minute,
        per_day=per_day,
        url_life_s=url_life,
        retry_after=retry_after,
        rate_headers=rate_headers,
        skew_s=skew,
        deprecated=dict(map(_parse_deprecated, deprecated or ())),
        port=port,
        storage_port=storage_port,
        control_port=control_port,
        public_url=public_url,
        **_parse_set(set_values or (), names),
    )
    _run(options, as_json=as_json)


def _parse_deprecated(text: str) -> tuple[str, int | None]:
    name, equals, seconds = text.partition("=")
    if equals and not seconds.isdecimal():
        raise errors.InvalidOption("--deprecated", text, "an operation, or OPERATION=SECONDS with whole seconds")
    return name, int(seconds) if equals else None


def _parse_set(texts: Iterable[str], names: Sequence[str]) -> dict[str, Any]:
    """Parse `--set` by the types of the options. Options of one provider are passed on as text: only it knows them."""
    settings: dict[str, str] = {}
    options: dict[str, Any] = {"settings": settings}
    for text in texts:
        name, equals, value = text.partition("=")
        provider, dot, option = name.rpartition(".")
        name = option.replace("-", "_")
        if dot or (name not in SETTABLE and len(names) == 1):
            settings[f"{(provider or names[0]).replace('-', '_')}.{name}"] = value
            continue
        if name not in SETTABLE:
            error = errors.UnknownName("--set", name, SETTABLE)
            raise errors.UsageError(f"{error}; an option of one provider is PROVIDER.NAME=VALUE")
        try:
            options[name] = msgspec.convert(value if equals else "", SETTABLE[name], strict=False)
        except msgspec.ValidationError as error:
            raise errors.InvalidOption(f"--set {name}", value, EXPECTED[SETTABLE[name]]) from error
    return options


def _run(options: EmulatorOptions, *, as_json: bool) -> None:
    try:
        from callwell.emulator.server import serve
    except ModuleNotFoundError as error:
        raise errors.LocalError(NOT_INSTALLED.format(name=error.name, install=install_command("emulator"))) from error

    async def run(on_ready: Callable[[Endpoints], None]) -> None:
        serving = asyncio.ensure_future(serve(options, on_ready))
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, serving.cancel)
        with suppress(asyncio.CancelledError):
            await serving

    try:
        asyncio.run(run(_print_json if as_json else _print_endpoints))
    except AddressInUse as error:
        raise errors.PortInUse(str(error)) from error
    except EmulatorError as error:
        raise errors.UsageError(str(error)) from error


def _print_json(endpoints: Endpoints) -> None:
    output.emit(msgspec.json.encode(endpoints).decode())
    sys.stdout.flush()


def _print_endpoints(endpoints: Endpoints) -> None:
    rows: list[tuple[str, str | None, str]] = [
        (name, environment, endpoint.base_url)
        for name, environments in endpoints.providers.items()
        for environment, endpoint in environments.items()
    ]
    rows.append(("control", None, endpoints.control))
    output.emit_table(("provider", "environment", "address"), rows)
    output.emit("\nTo use them, run this in another shell:\n")
    for name, environments in endpoints.providers.items():
        for line in _exports(name, environments):
            output.emit(line)
    if endpoints.clock is not None:
        output.emit(f"export CALLWELL_CLOCK={shlex.quote(endpoints.clock)}")
    output.emit("\nPress Ctrl-C to stop.")
    sys.stdout.flush()


def _exports(name: str, environments: Mapping[str, Endpoint]) -> Iterator[str]:
    """Shell commands that make the command line use an emulated provider."""
    from callwell.client import setting_variables as variables
    from callwell.description import catalog

    provider_description = catalog.load(name)
    used: set[str] = set()
    for environment, endpoint in environments.items():
        is_default = environment == provider_description.environment().name
        variable = variables.base_url_variable(name, "" if is_default else environment)
        yield f"export {variable}={shlex.quote(endpoint.base_url)}"
        key = provider_description.in_environment(environment).profile.key.env
        if key in used:  # a provider may have one key for two environments, but the emulator has one for each
            own_variable = variables.to_variable(f"{name}_{environment}_key")
            yield f"export CALLWELL_{own_variable}=env:{own_variable}"
            key = own_variable
        used.add(key)
        yield f"export {key}={shlex.quote(endpoint.key)}"
