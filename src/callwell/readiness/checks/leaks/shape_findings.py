# SPDX-License-Identifier: Apache-2.0
"""Makes findings of strings with the shape of a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.description import catalog
from callwell.readiness.findings import Finding, Severity, Unchecked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.description.provider import Provider
    from callwell.readiness.findings import Place
    from callwell.readiness.project import Project
    from callwell.readiness.shapes.hits import ShapeHit
    from callwell.readiness.shapes.located import ScanResult


def report_shapes(
    project: Project, result: ScanResult, describe_origin: Callable[[Place], str]
) -> Iterator[Finding | Unchecked]:
    """Report the findings of a scan, and what it could not scan.

    Args:
        project: the project.
        result: the result of the scan.
        describe_origin: writes the end of the sentence about a finding from its place.
    """
    providers = {account.provider.name: account.provider for account in project.accounts}
    for one in result.located:
        name = one.hit.provider
        if name and name not in providers:
            providers[name] = catalog.load(name)  # kingfisher has the rules of all bundled providers, used or not
        provider = providers.get(name)
        yield Finding(
            what=f"a string shaped like {_name(one.hit, provider)} {describe_origin(one.place)}",
            place=one.place,
            fix=_fix(provider),
            identity=one.identity,
            severity=Severity.WARNING if one.hit.by_name_only else None,
        )
    yield from result.unchecked


def _name(hit: ShapeHit, provider: Provider | None) -> str:
    """What a string is shaped like, for display."""
    if provider is not None:
        return f"a key of {provider.profile.title or provider.name}"
    return "a secret" if hit.by_name_only else f"{hit.name.rpartition('/')[2]}"


def _fix(provider: Provider | None) -> str:
    """The provider's steps after a leak; empty for a secret of no known provider: the check's `fix` applies."""
    if provider is None:
        return ""
    rule = provider.profile.key
    place = f" at {rule.page}" if rule.page else ""
    steps = f": {rule.revoke}" if rule.revoke else "."
    return (
        f"If it is a key, revoke it{place}{steps} Then run `callwell keys revoked`, so that no process uses it again."
    )
