# SPDX-License-Identifier: Apache-2.0
"""The options that every command with a client has, and the client that they describe."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer

from callwell.clock import parse_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client.options import ClientOptions, Priority
    from callwell.clock import Clock
    from callwell.providers.typed import DynamicClient
    from callwell.spec.provider import Provider

KeyOption = Annotated[
    str | None,
    typer.Option("--key", metavar="PLACE", help="Where the key is: env:NAME or file:PATH. Never the key itself."),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option("--environment", metavar="NAME", help="The provider's environment; its default unless said."),
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option("--base-url", metavar="URL", help="Another address of the provider; also <PROVIDER>_BASE_URL."),
]
ProviderArgument = Annotated[
    str,
    typer.Argument(metavar="PROVIDER", help="A provider's name, or the folder of a description.", show_default=False),
]

ValuesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME=VALUE", help="What the operation takes.", show_default=False),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClientFlags:
    """What the user said about the client; a command gets it by `takes_client_flags`."""

    key: KeyOption = None
    environment: EnvironmentOption = None
    base_url: BaseUrlOption = None
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="NAME", help="Whose quota it is, where several accounts are in use."),
    ] = None
    state: Annotated[
        str | None,
        typer.Option(
            "--state", metavar="URL", help="What calls share: memory: or sqlite:///PATH; also CALLWELL_STATE."
        ),
    ] = None
    deadline: Annotated[
        float | None,
        typer.Option("--deadline", metavar="SECONDS", help="How long a call may take, waits included."),
    ] = None
    proxy: Annotated[
        str | None,
        typer.Option("--proxy", metavar="URL", help="A proxy's address, or `environment` for the usual variables."),
    ] = None
    ca_file: Annotated[
        str | None,
        typer.Option("--ca-file", metavar="FILE", help="PEM certificates to trust as well as the usual ones."),
    ] = None
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell on standard error about attempts, waits and keys.")
    ] = False

    def options(self, provider: Provider, *, priority: Priority = "interactive") -> ClientOptions:
        """The options of a client.

        Args:
            provider: whose client it is.
            priority: `batch` for work whose end nobody waits for: without a deadline unless one is said.

        Raises:
            InvalidOption: CALLWELL_CLOCK describes no clock.
        """
        options: ClientOptions = {
            "key": self.key,
            "environment": self.environment,
            "base_url": address(provider, self.base_url),
            "state": self.state or default_state(),
            "proxy": self.proxy,
            "ca_file": self.ca_file,
            "clock": clock(),
            "priority": priority,
        }
        if self.account is not None:
            options["account"] = self.account
        if self.deadline is not None:
            options["deadline_s"] = self.deadline
        return options

    def client(self, provider: str, *, priority: Priority = "interactive") -> DynamicClient:
        """A client, and the log that belongs to it.

        Args:
            provider: its name, or the folder of its description.
            priority: see `options`.

        Raises:
            CallwellError: see `callwell.Client`.
        """
        from callwell import Client, providers
        from callwell.cli.output import log_to_stderr

        log_to_stderr(verbose=self.verbose)
        options = self.options(providers.load(provider), priority=priority)
        return Client(provider, **options)


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


def address_variable(provider: str) -> str:
    """The environment variable that may hold another address of a provider.

    Args:
        provider: its name.
    """
    return re.sub(r"[^A-Z0-9]+", "_", provider.upper()).strip("_") + "_BASE_URL"


def address(provider: Provider, given: str | None) -> str | None:
    """Another address of a provider, from an option or the environment.

    Args:
        provider: the provider.
        given: the option.
    """
    return given or os.environ.get(address_variable(provider.name)) or None


def clock() -> Clock:
    """The clock that CALLWELL_CLOCK describes, the machine's own unless it is set. For tests and the demo.

    Raises:
        InvalidOption: it describes no clock.
    """
    return parse_clock(os.environ.get("CALLWELL_CLOCK"))


def default_state() -> str:
    """The state of all commands of a user: CALLWELL_STATE, or a file in the XDG state folder.

    It is a file, so that a command that is killed and run again stays within the quota.
    """
    if url := os.environ.get("CALLWELL_STATE"):
        return url
    given = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(given) if given.startswith("/") else Path("~/.local/state").expanduser()
    return f"sqlite:///{folder / 'callwell' / 'state.db'}"
