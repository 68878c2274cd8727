# SPDX-License-Identifier: Apache-2.0
"""`callwell users`: how many end users there were in each month, as a provider bills them."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from callwell.cli import output
from callwell.cli.flags import EnvironmentOption, JsonOption, ProviderArgument, StateOption
from callwell.cli.month_plot import bar, draw, every_month
from callwell.errors import UsageError

EXAMPLES: Final = """\
\b
Examples:
  callwell users PROVIDER                     a table
  callwell users PROVIDER --plot              bars in the terminal
  callwell users PROVIDER --plot users.png    a picture
"""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog=EXAMPLES)
def users(
    provider: ProviderArgument,
    picture: Annotated[
        str | None, typer.Argument(metavar="FILE.png", help="With --plot: draw a picture.", show_default=False)
    ] = None,
    *,
    plot: Annotated[bool, typer.Option("--plot", help="Draw bars, here or into the file.")] = False,
    environment: EnvironmentOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how many end users a provider saw in each calendar month (UTC), as it bills them: each once a month.

    Counted is what the state knows: the calls of all programs that share it.
    """
    if picture is not None and not plot:
        raise UsageError(f"{picture}: a picture is drawn with --plot only")
    if picture is not None and not picture.lower().endswith(".png"):
        raise UsageError(f"{picture}: the picture is a PNG, so its name must end with .png")
    name, title, months = _counted(provider, environment, state)
    if picture is not None:
        draw(picture, f"{title}: monthly active users", months)
    if as_json:
        output.emit_json({"provider": name, "months": [{"month": one, "users": n} for one, n in months.items()]})
    elif picture is not None:
        return
    elif not months:
        output.emit("no end user was seen yet")
    elif plot:
        shown = every_month(months)
        most = max(shown.values())
        rows = ((one, f"{n:,}", bar(n, most, output.width())) for one, n in shown.items())
        output.emit_table(("month", "users", ""), rows)
    else:
        output.emit_table(("month", "users"), months.items())


def _counted(provider: str, environment: str | None, state: str | None) -> tuple[str, str, dict[str, int]]:
    """The provider's name and title, and the users of each month."""
    from callwell.cli.flags import client_options
    from callwell.cli.settings import Settings, naming_the_state
    from callwell.client.config import ClientConfig

    output.log_to_stderr(verbose=False)
    settings = Settings.here()
    described = settings.load(provider)
    held = settings.of(described, {"environment": environment, "state": state})
    with naming_the_state(held):
        made = ClientConfig.from_options(described, client_options(held))
    try:
        if made.end_users is None:
            raise UsageError(f"{described.name} asks for no end users, so there are none to be counted")
        return described.name, described.profile.title, made.end_users.monthly_counts()
    finally:
        made.close()
