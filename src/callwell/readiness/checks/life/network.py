# SPDX-License-Identifier: Apache-2.0
"""Settings of the network with which no call can be sent, or not safely; nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.errors import InvalidOption
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Severity, Unchecked
from callwell.readiness.key_places import could_not_read
from callwell.readiness.non_production import host_of
from callwell.readiness.origins import place_of
from callwell.transport.proxies import read_proxies
from callwell.transport.trust import read_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.project import ConfiguredAccount, Project


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Read the address, the proxy and the file of certificates as a client does."""
    if not project.in_use:
        raise NotApplicable("the project uses no provider")
    found = [finding for account in project.in_use for finding in _judge(account, project)]
    yield from dict.fromkeys(found)


def _judge(account: ConfiguredAccount, project: Project) -> Iterator[Finding | Unchecked]:
    settings = account.settings
    address = str(settings["base_url"].value)
    if not address.lower().startswith("https:"):
        yield Finding(
            what=f"the address of {account.provider.name} is not encrypted: {address}",
            place=place_of(settings["base_url"], project.root),
            fix="Use an https address.",
            identity=f"plain {account.provider.name}",
        )
    proxy = settings["proxy"]
    try:
        read_proxies(None if proxy.value is None else str(proxy.value))
    except InvalidOption as error:
        yield Finding(what=str(error), place=place_of(proxy, project.root), identity="proxy")
    ca_file = settings["ca_file"]
    if ca_file.value is None:
        return
    place = place_of(ca_file, project.root)
    try:
        read_certificates(str(ca_file.value))
    except InvalidOption as error:
        if could_not_read(error):
            yield Unchecked(what=str(error), place=place, fix="Run the check as the user that runs the program.")
        else:
            yield Finding(what=str(error), place=place, identity="ca_file")
        return
    host = host_of(address)
    if not settings["base_url"].is_set:
        yield Finding(
            what=f"certificates of your own are trusted for {host}, so whoever has their key can read the calls",
            place=place,
            fix="Keep it only if a proxy of yours must end TLS; else remove ca_file.",
            identity=f"own authority {host}",
            severity=Severity.NOTE,
        )


CHECK = Check(
    id="life.network",
    group=Group.LIFE,
    title="Address, proxy and certificates are usable",
    severity=Severity.ERROR,
    why="A client with such a setting cannot be made, or exposes its key to eavesdroppers.",
    fix="Correct the setting, or remove it.",
    run=run,
)
