# SPDX-License-Identifier: Apache-2.0
"""The table of settings: their names, and where each one may be set.

All names of a setting come from one row. For the row `deadline`:

    keyword argument of a client    Client("userplane", deadline_s=30)
    command-line option             callwell call userplane things.list --deadline 30
    key in callwell.toml            deadline = 30
    environment variable            CALLWELL_DEADLINE, CALLWELL_USERPLANE_DEADLINE

Options that only code can pass (`clock`, `transport`, `hooks`) are not settings: `ClientOptions` lists them.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Scope = Literal["all", "provider", "environment"]
"""The widest scope of a setting: all providers, one provider, or one environment of a provider."""

Kind = Literal["text", "seconds", "flag", "address", "secret"]
"""The type of a setting. A `secret` is the location of a secret (`env:NAME`, `file:PATH`), never the secret itself."""


class SettingDefinition(NamedTuple):
    """One row of the table.

    Attributes:
        name: the key in `callwell.toml`; in capitals, the end of its environment variables.
        scope: the widest scope in which it may be set.
        keyword: the keyword argument of a client.
        kind: its type.
        help: its help text for commands; empty if there is no command-line option.
        metavar: the placeholder of its value in the help.
        default: its value if neither the user nor the provider's profile sets it.
        trusted_only: it decides who receives the key, so only a trusted `callwell.toml` may set it.
        path_prefix: what precedes a path in the value; None if the value is not a path.
    """

    name: str
    scope: Scope
    keyword: str
    kind: Kind = "text"
    help: str = ""
    metavar: str = ""
    default: str | bool | None = None
    trusted_only: bool = False
    path_prefix: str | None = None

    @property
    def flag(self) -> str:
        """The command-line option; empty if there is none."""
        return f"--{self.name.replace('_', '-')}" if self.help else ""


SETTINGS: Final = {
    row.name: row
    for row in (
        SettingDefinition(
            "environment",
            "provider",
            keyword="environment",
            help="The provider's environment; its default unless given.",
            metavar="NAME",
        ),
        SettingDefinition(
            "base_url",
            "environment",
            keyword="base_url",
            kind="address",
            help="Another address of the provider.",
            metavar="URL",
            trusted_only=True,
        ),
        SettingDefinition(
            "key",
            "environment",
            keyword="key",
            kind="secret",
            help="Where the key is: env:NAME, file:PATH or another key source. Never the key itself.",
            metavar="PLACE",
        ),
        SettingDefinition(
            "auth",
            "environment",
            keyword="auth",
            help="The credential to send: key, or a short-lived token obtained with it.",
            metavar="WHAT",
            default="key",
        ),
        SettingDefinition("key_header", "environment", keyword="key_header", trusted_only=True),
        SettingDefinition(
            "account",
            "environment",
            keyword="account",
            help="The account that the quota belongs to, if you use several.",
            metavar="NAME",
            default="default",
        ),
        SettingDefinition("plan", "environment", keyword="plan"),
        SettingDefinition("alpha", "environment", keyword="alpha", kind="flag"),
        SettingDefinition("user_secret", "environment", keyword="user_secret", kind="secret"),
        SettingDefinition(
            "state",
            "all",
            keyword="state",
            help="What calls share: memory:, sqlite:///PATH or postgresql://USER@HOST/DATABASE.",
            metavar="URL",
            path_prefix="sqlite:///",
        ),
        SettingDefinition(
            "deadline",
            "all",
            keyword="deadline_s",
            kind="seconds",
            help="How long a call may take, including waits; 60 for `call`, no limit for other commands.",
            metavar="SECONDS",
        ),
        SettingDefinition(
            "exactly_once",
            "all",
            keyword="exactly_once",
            kind="flag",
            help="Record a call that could happen twice before it is sent, and settle it if its response is lost.",
            default=False,
        ),
        SettingDefinition(
            "proxy",
            "all",
            keyword="proxy",
            help="A proxy's address, or `environment` for the usual variables.",
            metavar="URL",
            trusted_only=True,
        ),
        SettingDefinition(
            "ca_file",
            "all",
            keyword="ca_file",
            help="PEM certificates to trust in addition to the usual ones.",
            metavar="FILE",
            trusted_only=True,
            path_prefix="",
        ),
    )
}
"""All settings by name, in the order `callwell config` lists them."""

GLOBAL_SETTINGS: Final = tuple(name for name, row in SETTINGS.items() if row.scope == "all")
"""Settings allowed at the top of `callwell.toml` and in a provider's table."""

ENVIRONMENT_SETTINGS: Final = tuple(name for name, row in SETTINGS.items() if row.scope == "environment")
"""Settings allowed in the table of an environment and in a provider's table."""
