# SPDX-License-Identifier: Apache-2.0
"""Retries that the code or a description of the user's own turns off."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from callwell.description.catalog import bundled_name
from callwell.description.locate import toml_line
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Place, Severity, Unchecked
from callwell.readiness.client_code import read_client_code
from callwell.readiness.texts import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.profile import RetryRule
    from callwell.readiness.files import ProjectFiles
    from callwell.readiness.project import Project

PROFILE = "profile.toml"


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check the clients in code, and the rules of the descriptions that do not come with Callwell."""
    if not project.in_use:
        raise NotApplicable("the project uses no provider")
    for name, provider in {account.provider.name: account.provider for account in project.in_use}.items():
        if bundled_name(name) is None:
            yield from _in_profile(name, provider.profile.retry, project.files)
    code = read_client_code(project.files)
    for use in code.uses:
        nested = use.options.get("nested")
        concerned = any(use.is_of(account.provider.name) for account in project.in_use)
        if nested and nested.value is True and concerned:
            yield Finding(
                what="nested=True leaves every call one attempt, whoever calls",
                place=nested.place,
                fix="Remove it, or pass the headers of the request being served: nested=request.headers.",
                identity="nested",
                severity=Severity.WARNING,
            )
    yield from code.unchecked


def _in_profile(provider: str, rule: RetryRule, files: ProjectFiles) -> Iterator[Finding]:
    problems = {
        "attempts": rule.attempts <= 1 and f"attempts = {rule.attempts}: a call that fails once has failed",
        "throttles": rule.throttles < 1 and f"throttles = {rule.throttles}: a call ends at its first 429",
        "base_s": rule.base_s <= 0 and f"base_s = {rule.base_s:g}: attempts follow each other without a pause",
        "cap_s": rule.cap_s <= 0 and f"cap_s = {rule.cap_s:g}: attempts follow each other without a pause",
    }
    for key, problem in problems.items():
        if problem:
            yield Finding(
                what=f"the profile of {provider} says {problem}",
                place=_place(provider, key, files),
                fix=f"Remove {key} from [retry]: the default holds for a provider that documents nothing.",
                identity=f"{key} {provider}",
            )


def _place(provider: str, key: str, files: ProjectFiles) -> Place | None:
    """Where a key of a profile is, if the profile is in the project."""
    for file in files.with_suffix(PROFILE):
        text = read_text(file) if PurePosixPath(file.name).name == PROFILE else ""
        if isinstance(text, str) and f'"{provider}"' in text:
            return Place(file.name, toml_line(text, ("retry", key)))
    return None


CHECK = Check(
    id="life.retries",
    group=Group.LIFE,
    title="Retries are enabled",
    severity=Severity.ERROR,
    why="Every provider is slow or down for seconds now and then, and all of them recommend retries with backoff.",
    fix="Leave the retries to Callwell: remove what turns them off.",
    run=run,
)
