# SPDX-License-Identifier: Apache-2.0
"""`callwell keys digests`: writes the digests by which a machine without the keys can find them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callwell.cli import output
from callwell.errors import UsageError

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.", show_default=False)]
ProviderOption = Annotated[
    list[str] | None,
    typer.Option("--provider", metavar="NAME", help="Only this provider. Repeatable. Default: all with a key."),
]


def digests(file: FileArgument, *, provider: ProviderOption = None) -> None:
    """Write keyed digests of your keys, for `callwell check --known-keys` on machines without them.

    It includes the keys of all environments that are on this machine. The file contains no part of a key: it is enough
    to find a key, but not to know it.
    """
    from callwell.cli.check_accounts import accounts_of
    from callwell.cli.settings import Settings
    from callwell.readiness.known_keys.digests import make_digests, write_digests
    from callwell.readiness.known_keys.keys_in_use import read_secrets

    settings = Settings.discover()
    providers = map(settings.load, provider or settings.names())
    found = list(read_secrets(account for one in providers for account in accounts_of(settings, one)))
    if not found:
        raise UsageError("there is no key on this machine; `callwell keys list` shows where each one is searched for")
    write_digests(file.absolute(), make_digests(found))
    for known, _ in found:
        output.emit(f"{known.provider} ({known.environment}): {known.setting} {known.fingerprint}, from {known.source}")
