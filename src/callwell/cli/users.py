# SPDX-License-Identifier: Apache-2.0
"""`callwell users`: count the end users of each month, as a provider bills them."""

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
  callwell users PROVIDER --plot              a bar chart in the terminal
  callwell users PROVIDER --plot users.png    a bar chart as a picture
"""

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog=EXAMPLES)
def users(
    provider: ProviderArgument,
    picture: Annotated[
        str | None, typer.Argument(metavar="FILE.png", help="With --plot: the picture to write.", show_default=False)
    ] = None,
    *,
    plot: Annotated[bool, typer.Option("--plot", help="Draw a bar chart, in the terminal or as a PNG file.")] = False,
    environment: EnvironmentOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print how many end users a provider saw in each calendar month (UTC), counting each user once a month.

    The count covers the calls of all programs that share the state.
    """
    if picture is not None and not plot:
        raise UsageError(f"{picture}: add --plot to draw a picture")
    if picture is not None and not picture.lower().endswith(".png"):
        raise UsageError(f"{picture}: only PNG pictures can be drawn; choose a name that ends in .png")
    name, title, months = _count(provider, environment, state)
    if picture is not None:
        draw(picture, f"{title}: monthly active users", months)
    if as_json:
        output.emit_json(
            {"provider": name, "months": [{"month": month, "users": count} for month, count in months.items()]}
        )
    elif picture is not None:
        return
    elif not months:
        output.emit("no end users yet")
    elif plot:
        shown = every_month(months)
        max_users = max(shown.values())
        rows = ((month, f"{count:,}", bar(count, max_users, output.width())) for month, count in shown.items())
        output.emit_table(("month", "users", ""), rows)
    else:
        output.emit_table(("month", "users"), months.items())


def _count(provider: str, environment: str | None, state: str | None) -> tuple[str, str, dict[str, int]]:
    """The provider's name and title, and its number of users by month."""
    from callwell.cli.flags import client_options
    from callwell.cli.settings import Settings, explaining_state_errors
    from callwell.client.config import ClientConfig

    output.configure_logging(verbose=False)
    settings = Settings.discover()
    described = settings.load(provider)
    values = settings.resolve(described, {"environment": environment, "state": state})
    with explaining_state_errors(values):
        config = ClientConfig.from_options(described, client_options(values))
    try:
        if config.end_users is None:
            raise UsageError(f"{described.name} does not bill by end user, so none are counted")
        return described.name, described.profile.title, config.end_users.monthly_counts()
    finally:
        config.close()
