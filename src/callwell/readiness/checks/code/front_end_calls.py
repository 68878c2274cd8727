# SPDX-License-Identifier: Apache-2.0
"""Front ends that call a provider themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, Severity, Unchecked
from callwell.readiness.code.front_end import read_front_end
from callwell.readiness.code.provider_signatures import read_signatures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from callwell.readiness.code.front_end import FrontEndText
    from callwell.readiness.code.provider_signatures import ProviderSignatures
    from callwell.readiness.project import Project

LINK: Final = re.compile(r"(?:href|cite|xmlns\w*|to|canonical)\\?[\"']?\s*[=:]\s*\{?\s*\\?[\"'`]?$", re.IGNORECASE)
"""What comes before an address that a person follows and no code calls."""

JOINED: Final = re.compile(r"://(?:\$\{|[\"'`]\s*(?:\+|,|\.concat\())")
"""A scheme that a host is joined to; in old JavaScript, templates have become `"https://".concat(host)`."""

COMMENT: Final = re.compile(r"^\s*(?:\*|//|/\*|<!--|#)|(?<![:\"'`\\])//(?!.*[\"'`]\s*[;,)]?.*//)")
"""The beginning of a line up to an address that is in a comment."""

MAX_LINE: Final = 2_000
"""Characters of a line up to which it may be written by hand, so that `//` in it begins a comment."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check sources, bundles and source maps of front ends, except in tests."""
    signatures = read_signatures(project)
    hosts = "|".join(map(re.escape, signatures.hosts))
    address = re.compile(
        rf"[\"'`](?:(?:https?|wss?):)?(?:\\?/){{2}}(?P<host>{hosts})(?::\d+)?(?=[/\"'`?#$\\])", re.IGNORECASE
    )
    bare = re.compile(rf"[\"'`](?P<host>{hosts})(?::\d+)?(?=[/\"'`\\])", re.IGNORECASE)
    for item in read_front_end(project).texts():
        if isinstance(item, Unchecked):
            yield item
            continue
        patterns = [address, bare] if JOINED.search(item.text) else [address]
        yield from _check_text(item, patterns, signatures)


def _check_text(
    item: FrontEndText, patterns: Sequence[re.Pattern[str]], signatures: ProviderSignatures
) -> Iterator[Finding]:
    seen = set()
    for found in (found for pattern in patterns for found in pattern.finditer(item.text)):
        host = found["host"].lower()
        if _is_mention(item.text, found.start()) or _needs_no_key(item.text[found.end() :], host, signatures):
            continue
        place = item.place(found.start())
        if (host, place.line) in seen:
            continue
        seen.add((host, place.line))
        title = signatures.hosts[host].profile.title
        yield Finding(
            what=f"the front end calls {host} ({title}){item.source_note}",
            place=place,
            identity=f"{host}{item.source_note}",
        )


def _is_mention(text: str, start: int) -> bool:
    """Whether an address is a link or is in a comment."""
    line_start = text.rfind("\n", 0, start) + 1
    before = text[max(line_start, start - MAX_LINE) : start + 1]
    if LINK.search(before):
        return True
    if text.rfind("<!--", 0, start) > text.rfind("-->", 0, start):
        return True
    if text.rfind("/*", line_start if len(before) >= MAX_LINE else 0, start) > text.rfind("*/", 0, start):
        return len(before) < MAX_LINE
    return len(before) < MAX_LINE and re.search(r"(?:^|[\s;{}(),])//", before) is not None


def _needs_no_key(rest: str, host: str, signatures: ProviderSignatures) -> bool:
    """Whether an address is that of an operation that front ends may call, with a token instead of the key."""
    return any(re.match(rf"{re.escape(path)}(?=[\"'`?#]|$)", rest) for path in signatures.upload_token_paths(host))


CHECK = Check(
    id="code.front-end-calls",
    group=Group.CODE,
    title="Front ends call the back end, not a provider",
    severity=Severity.ERROR,
    why="A call from a browser or an app needs the key there, where anyone can read it; nothing counts the quota or "
    "retries.",
    fix="Let the page ask a route of your back end, and let that call the provider through Callwell.",
    run=run,
)
