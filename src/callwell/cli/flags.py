# SPDX-License-Identifier: Apache-2.0
"""The options of every command that uses a client, and the client that they and the other settings configure."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from callwell.client.settings import SETTINGS
from callwell.clock import parse_clock
from callwell.errors import InvalidOption, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from callwell.cli.settings import Setting
    from callwell.client.calls.options import ClientOptions, Priority
    from callwell.client.exactly_once.store import LedgerStore
    from callwell.clock import Clock
    from callwell.description.provider import Provider
    from callwell.observe.notices import Notice
    from callwell.providers.typed import AsyncDynamicClient, DynamicClient


def _setting(name: str) -> Any:
    """The command-line option of a setting."""
    row = SETTINGS[name]
    return typer.Option(row.flag, metavar=row.metavar or None, help=row.help, show_default=row.kind != "flag")


KeyOption = Annotated[str | None, _setting("key")]
EnvironmentOption = Annotated[str | None, _setting("environment")]
StateOption = Annotated[str | None, _setting("state")]
ProviderArgument = Annotated[
    str,
    typer.Argument(metavar="PROVIDER", help="A provider's name, or the folder of a description.", show_default=False),
]
OptionalProviderArgument = Annotated[
    str | None, typer.Argument(metavar="PROVIDER", help="One provider. Default: all.", show_default=False)
]
OperationArgument = Annotated[
    str | None, typer.Argument(metavar="OPERATION", help="An operation, such as things.list.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ValuesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME=VALUE",
        help="Arguments of the operation; NAME:=JSON for other values than text.",
        show_default=False,
    ),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClientFlags:
    """The options that configure a client; a command receives them through `takes_client_flags`.

    Settings without a flag may come from elsewhere: see `callwell.cli.settings`.
    """

    key: KeyOption = None
    environment: EnvironmentOption = None
    base_url: Annotated[str | None, _setting("base_url")] = None
    auth: Annotated[str | None, _setting("auth")] = None
    account: Annotated[str | None, _setting("account")] = None
    state: StateOption = None
    deadline: Annotated[float | None, _setting("deadline")] = None
    proxy: Annotated[str | None, _setting("proxy")] = None
    exactly_once: Annotated[bool | None, _setting("exactly_once")] = None
    ca_file: Annotated[str | None, _setting("ca_file")] = None
    for_user: Annotated[
        str | None,
        typer.Option("--for-user", metavar="ID", help="Your user ID; the provider sees only a pseudonym."),
    ] = None
    explain: Annotated[
        bool,
        typer.Option("--explain", help="If the key is refused, find out whether it belongs to another environment."),
    ] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log attempts, waits and keys on standard error.")
    ] = False

    def client(self, provider: str, operation: str = "", *, priority: Priority = "interactive") -> DynamicClient:
        """Open a client, and set up the log.

        Args:
            provider: its name, or the folder of its description.
            operation: the operation to be called, so that an unknown one is reported before a missing key.
            priority: `batch` for bulk work: it has no deadline unless one is set.

        Raises:
            CallwellError: see `callwell.Client`; a wrong setting is named with the place where it was set.
        """
        from callwell import Client

        with self._configure(provider, priority) as (loaded, options):
            if operation:
                loaded.operation(operation)
            if not self.verbose:
                options["on_notice"] = _print_advice
            return Client(loaded, **options)

    def async_client(self, provider: str, *, on_notice: Callable[[Notice], None]) -> AsyncDynamicClient:
        """Open an asynchronous client for bulk work.

        Args:
            provider: its name, or the folder of its description.
            on_notice: called with every notice.

        Raises:
            CallwellError: as `client`.
        """
        from callwell import AsyncClient

        with self._configure(provider, "batch") as (loaded, options):
            options["on_notice"] = on_notice
            return AsyncClient(loaded, **options)

    def load(self, provider: str) -> tuple[Provider, str]:
        """A provider and its environment in effect. No key is needed.

        Args:
            provider: its name, or the folder of its description.
        """
        from callwell.cli.settings import Settings

        settings = Settings.discover()
        loaded = settings.load(provider)
        values = settings.resolve(loaded, {"environment": self.environment})
        return loaded, str(values["environment"].value)

    @contextmanager
    def ledger(self, provider: str, environment: str | None) -> Iterator[LedgerStore]:
        """The ledger of an account: its calls that are made exactly once. No key is needed.

        Args:
            provider: its name, or the folder of its description.
            environment: its environment; None for the one in effect.
        """
        from callwell.client.config import ClientConfig

        flags = dataclasses.replace(self, environment=environment)
        with flags._configure(provider, "batch") as (loaded, options):  # noqa: SLF001 - of this class
            config = ClientConfig.from_options(loaded, options)
        try:
            yield config.ledger()
        finally:
            config.close()

    @contextmanager
    def _configure(self, provider: str, priority: Priority) -> Iterator[tuple[Provider, ClientOptions]]:
        """The provider, and the options that flags and other settings give to its client."""
        from callwell.cli import output
        from callwell.cli.settings import Settings, explaining_state_errors

        output.configure_logging(verbose=self.verbose)
        settings = Settings.discover()
        loaded = settings.load(provider)
        values = settings.resolve(loaded, dataclasses.asdict(self))
        if warning := settings.unused_address(loaded, values):
            output.say(f"callwell: {warning}")
        try:
            options = client_options(values, priority)
            if self.for_user is not None:
                options["for_user"] = self.for_user
            if self.explain:
                options |= {"explain": True, "base_url": settings.addresses(loaded, values)}
            with explaining_state_errors(values):
                yield loaded, options
        except InvalidOption as error:
            setting = next((values[name] for name, row in SETTINGS.items() if row.keyword == error.name), None)
            if setting is None or setting.origin.startswith("--"):
                raise
            raise UsageError(f"{setting.origin}: {error}") from error


def _print_advice(notice: Notice) -> None:
    """Print a notice that a person should act on, such as a deprecation."""
    from callwell.cli import output
    from callwell.observe.logs import advice

    text = advice(notice)
    if text:
        output.say(text)


def client_options(values: Mapping[str, Setting], priority: Priority = "interactive") -> ClientOptions:
    """The options of a client.

    Args:
        values: the settings in effect, by name.
        priority: see `ClientFlags.client`.

    Raises:
        InvalidOption: CALLWELL_CLOCK does not describe a clock.
    """
    named = {SETTINGS[name].keyword: setting.value for name, setting in values.items() if setting.value is not None}
    options: ClientOptions = {**named, "clock": clock(), "priority": priority}  # type: ignore[typeddict-item] # by name
    return options


def takes_client_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `ClientFlags` to a command, which receives them as its keyword argument `flags`."""
    hints = get_type_hints(ClientFlags, include_extras=True)
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    own = [parameter for parameter in parameters if parameter.name != "flags"]
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(ClientFlags)
    ]

    @functools.wraps(command)
    def with_flags(**values: object) -> None:
        flags = {parameter.name: values.pop(parameter.name) for parameter in shared}
        command(**values, flags=ClientFlags(**flags))  # type: ignore[arg-type] # typer has checked them

    with_flags.__dict__["__signature__"] = inspect.Signature([*own, *shared])
    with_flags.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *shared)}
    return with_flags


def clock() -> Clock:
    """The clock that CALLWELL_CLOCK describes, for tests and the demo; by default the machine's own.

    Raises:
        InvalidOption: it does not describe a clock.
    """
    return parse_clock(os.environ.get("CALLWELL_CLOCK"))
