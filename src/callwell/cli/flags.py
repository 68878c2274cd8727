# SPDX-License-Identifier: Apache-2.0
"""The options that every command with a client has, and the client that they and the other settings describe."""

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
SomeProviderArgument = Annotated[
    str | None, typer.Argument(metavar="PROVIDER", help="One provider; all unless said.", show_default=False)
]
OperationArgument = Annotated[
    str | None, typer.Argument(metavar="OPERATION", help="As things.list.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ValuesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME=VALUE", help="What the operation takes.", show_default=False),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClientFlags:
    """What the user said about the client; a command gets it by `takes_client_flags`.

    What is not said here may be said elsewhere: see `callwell.cli.settings`.
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
        typer.Option(
            "--explain", help="If the key is refused, ask the provider's other environments whether it is theirs."
        ),
    ] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell on standard error about attempts, waits and keys.")
    ] = False

    def client(self, provider: str, *, priority: Priority = "interactive") -> DynamicClient:
        """A client, and the log that belongs to it.

        Args:
            provider: its name, or the folder of its description.
            priority: `batch` for work whose end nobody waits for: without a deadline unless one is said.

        Raises:
            CallwellError: see `callwell.Client`; a setting that is not an option is named with its place.
        """
        from callwell import Client

        with self._described(provider, priority) as (described, options):
            if not self.verbose:
                options["on_notice"] = _advise
            return Client(described, **options)

    def async_client(self, provider: str, *, on_notice: Callable[[Notice], None]) -> AsyncDynamicClient:
        """The same for work whose end nobody waits for, on an event loop.

        Args:
            provider: its name, or the folder of its description.
            on_notice: called with every notice.

        Raises:
            CallwellError: as `client`.
        """
        from callwell import AsyncClient

        with self._described(provider, "batch") as (described, options):
            options["on_notice"] = on_notice
            return AsyncClient(described, **options)

    def described(self, provider: str) -> tuple[Provider, str]:
        """A provider and the environment that is set for it, without a key.

        Args:
            provider: its name, or the folder of its description.
        """
        from callwell.cli.settings import Settings

        settings = Settings.here()
        found = settings.load(provider)
        return found, str(settings.of(found, {"environment": self.environment})["environment"].value)

    @contextmanager
    def ledger(self, provider: str, environment: str | None) -> Iterator[LedgerStore]:
        """The calls of an account that are made exactly once, without a key.

        Args:
            provider: its name, or the folder of its description.
            environment: its environment; the one that is set, if it is None.
        """
        from callwell.client.config import ClientConfig

        flags = dataclasses.replace(self, environment=environment)
        with flags._described(provider, "batch") as (described, options):  # noqa: SLF001 - of this class
            made = ClientConfig.from_options(described, options)
        try:
            yield made.ledger()
        finally:
            made.close()

    @contextmanager
    def _described(self, provider: str, priority: Priority) -> Iterator[tuple[Provider, ClientOptions]]:
        from callwell.cli import output
        from callwell.cli.settings import Settings, naming_the_state

        output.log_to_stderr(verbose=self.verbose)
        settings = Settings.here()
        described = settings.load(provider)
        held = settings.of(described, dataclasses.asdict(self))
        if note := settings.passed_over(described, held):
            output.say(f"callwell: {note}")
        try:
            options = client_options(held, priority)
            if self.for_user is not None:
                options["for_user"] = self.for_user
            if self.explain:
                options |= {"explain": True, "base_url": settings.addresses(described, held)}
            with naming_the_state(held):
                yield described, options
        except InvalidOption as error:
            said = next((held[name] for name, row in SETTINGS.items() if row.keyword == error.name), None)
            if said is None or said.where.startswith("--"):
                raise
            raise UsageError(f"{said.where}: {error}") from error


def _advise(notice: Notice) -> None:
    """Tell on standard error what a person should act upon, as a deprecation."""
    from callwell.cli import output
    from callwell.observe.logs import advice

    text = advice(notice)
    if text:
        output.say(text)


def client_options(held: Mapping[str, Setting], priority: Priority = "interactive") -> ClientOptions:
    """The options of a client.

    Args:
        held: what is set for its provider, by name.
        priority: see `ClientFlags.client`.

    Raises:
        InvalidOption: CALLWELL_CLOCK describes no clock.
    """
    values = {SETTINGS[name].keyword: setting.value for name, setting in held.items() if setting.value is not None}
    options: ClientOptions = {**values, "clock": clock(), "priority": priority}  # type: ignore[typeddict-item] # by name
    return options


def takes_client_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `ClientFlags`; it gets them together, as the keyword argument `flags`."""
    hints = get_type_hints(ClientFlags, include_extras=True)
    own = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.name != "flags"]
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(ClientFlags)
    ]

    @functools.wraps(command)
    def with_flags(**values: object) -> None:
        given = {one.name: values.pop(one.name) for one in shared}
        command(**values, flags=ClientFlags(**given))  # type: ignore[arg-type] # typer has checked them

    with_flags.__dict__["__signature__"] = inspect.Signature([*own, *shared])
    with_flags.__annotations__ = {one.name: one.annotation for one in (*own, *shared)}
    return with_flags


def clock() -> Clock:
    """The clock that CALLWELL_CLOCK describes, the machine's own unless it is set. For tests and the demo.

    Raises:
        InvalidOption: it describes no clock.
    """
    return parse_clock(os.environ.get("CALLWELL_CLOCK"))
