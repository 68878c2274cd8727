# SPDX-License-Identifier: Apache-2.0
"""Keys in front ends: as literals, and in variables that bundlers put into what they build."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from callwell.keys import Key
from callwell.readiness.check import Check, Finding, Group, NotApplicable, Place, Severity, Unchecked
from callwell.readiness.code.exposed_settings import (
    CONFIGURATION,
    exposed_parts,
    exposed_prefixes,
    names_in_any_spelling,
)
from callwell.readiness.code.front_end import read_front_end
from callwell.readiness.code.placeholders import may_be_key
from callwell.readiness.code.provider_signatures import read_signatures
from callwell.readiness.code.text_files import read_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.code.front_end import FrontEndText
    from callwell.readiness.code.provider_signatures import ProviderSignatures
    from callwell.readiness.code.text_files import TextFile
    from callwell.readiness.project import Project

EXPOSED_PREFIXES: Final = (
    *("VITE", "NEXT_PUBLIC", "REACT_APP", "PUBLIC", "NUXT_PUBLIC", "EXPO_PUBLIC", "VUE_APP", "GATSBY", "NG_APP"),
    *("STORYBOOK", "SNOWPACK_PUBLIC", "RSBUILD_PUBLIC", "REACT_NATIVE", "NX_PUBLIC", "RAZZLE", "WXT_PUBLIC"),
)
"""What variables begin with that Vite, Next.js, Create React App, SvelteKit and Astro, Nuxt, Expo, Vue CLI, Gatsby and
others put into a bundle."""

SEARCHED_FILES: Final = re.compile(
    r"(?:.*/)?(?:\.env[^/]*|[^/]*\.env|[^/]*\.(?:m?[jt]sx?|cjs|vue|svelte|astro|html?|ya?ml|toml|json|sh|tf)"
    r"|(?:Docker|Container|Jenkins)file[^/]*|Makefile)"
)
LOCK_FILES: Final = re.compile(r"(?:.*/)?(?:package-lock\.json|pnpm-lock\.yaml|[^/]*\.min\.js)")

KEY_VARIABLE: Final = re.compile(
    r"""(?i:\b\w*(?:api_?key|api_?token|secret_?key)\w*["']?\s*[:=]\s*(?:[^;"'`]{0,60}\?\s*)?)"""
    r"""["'`](?P<key>[A-Za-z0-9_\-+/=.~]{16,})["'`]"""
)
"""A key in a variable that is named so, also the first one of two: `const API_KEY = isLive ? "…" : "…"`."""

ASSIGNED: Final = (
    r"""\w*["']?\s*(?::\s*\w+\s*=|[:=,>]|</key>\s*<string>)\s*(?:\\?["'`])*(?P<key>[A-Za-z0-9_\-+/=.~]{16,})"""
)
"""A value behind a name, in the languages of browsers and phones, in a property list, in Android's resources."""

COMMENT: Final = ("#", "//", "*", "/*", "<!--")


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check front ends, and the names of variables in settings, scripts and the configuration of bundlers."""
    found_any = False
    names = _variables(read_signatures(project))
    for file in read_texts(project.files, _is_searched):
        if isinstance(file, Unchecked):
            continue  # the front end reports it, if it is a part of one
        for finding in _exposed(file, names, read_signatures(project)):
            found_any = True
            yield finding
    try:
        for item in read_front_end(project).texts():
            if isinstance(item, Unchecked):
                yield item
            else:
                yield from _keys_in(item, read_signatures(project))
    except NotApplicable:
        if not found_any:
            raise


def _is_searched(name: str) -> bool:
    return SEARCHED_FILES.fullmatch(name) is not None and LOCK_FILES.fullmatch(name) is None


def _variables(signatures: ProviderSignatures) -> re.Pattern[str]:
    """What variables with a provider's key are called."""
    names = {re.escape(variable) for variable in signatures.key_variables}
    for provider in signatures.providers.values():
        for name in (provider.name, provider.profile.title):
            stem = re.sub(r"[^A-Z0-9]+", "_?", name.upper())
            names.add(rf"{stem}_(?:API_|SECRET_|PRIVATE_|ACCESS_)*(?:KEY|SECRET|TOKEN)")
    return re.compile("|".join(sorted(names)))


def _exposed(file: TextFile, names: re.Pattern[str], signatures: ProviderSignatures) -> Iterator[Finding]:
    seen = set()
    for number, name in (*_in_lines(file.text, names), *_in_configuration(file, signatures)):
        if name not in seen:
            seen.add(name)
            yield Finding(
                what=f"bundlers put {name} into the front end",
                place=Place(file.name, number),
                fix="Name it without the prefix, so that only the back end has it, and revoke the key if it was in a "
                "build.",
                identity=name,
            )


def _in_lines(text: str, names: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Variables with a prefix that bundlers expose, each with its line."""
    if not names.search(text):
        return
    exposed = re.compile(rf"\b(?:{'|'.join(EXPOSED_PREFIXES)})_(?:\w+_)?(?:{names.pattern})\b")
    for number, line in enumerate(text.splitlines(), start=1):
        found = None if line.lstrip().startswith(COMMENT) else exposed.search(line[:MAX_LINE])
        if found is not None:
            yield number, found[0]


def _in_configuration(file: TextFile, signatures: ProviderSignatures) -> Iterator[tuple[int, str]]:
    """Variables in the parts of a configuration that are exposed, each with its line."""
    if not CONFIGURATION.fullmatch(file.name):
        return
    names = re.compile(names_in_any_spelling(signatures))
    for start, part in exposed_parts(file.text):
        for found in names.finditer(part):
            line = file.text.count("\n", 0, start + found.start()) + 1
            if not file.text.splitlines()[line - 1].lstrip().startswith(COMMENT):
                yield line, found[0]
    for start, prefix in exposed_prefixes(file.text):
        for variable in signatures.key_variables:
            if variable.startswith(prefix):
                yield file.text.count("\n", 0, start) + 1, variable


MAX_LINE: Final = 100_000


def _keys_in(item: FrontEndText, signatures: ProviderSignatures) -> Iterator[Finding]:
    found = signatures.find_key(item.text)
    literals = [] if found is None else [found[0]]
    if any(host in item.text for host in signatures.hosts):
        literals += [key for key in _header_literals(item.text, signatures) if key not in literals]
    named = re.compile(names_in_any_spelling(signatures) + ASSIGNED)
    literals += [found["key"] for found in named.finditer(item.text) if may_be_key(found["key"])]
    for literal in dict.fromkeys(literals):
        fingerprint = Key(literal).fingerprint
        yield Finding(
            what=f"a key is in the front end{item.source_note} (fingerprint {fingerprint})",
            place=item.place(item.text.find(literal)),
            identity=fingerprint,
        )


def _header_literals(text: str, signatures: ProviderSignatures) -> Iterator[str]:
    """Literals in headers that carry keys, and in variables for keys: `"api-key": "…"`, `const apiKey = "…"`."""
    headers = "|".join(map(re.escape, signatures.key_headers))
    pattern = re.compile(
        rf"""(?i:["'`]?\b(?:{headers})["'`]?\s*[:,]\s*["'`](?:bearer |basic )?)"""
        r"""(?P<key>[A-Za-z0-9_\-+/=.~]{8,})["'`]"""
    )
    for found in (*pattern.finditer(text), *KEY_VARIABLE.finditer(text)):
        if may_be_key(found["key"]):
            yield found["key"]


CHECK = Check(
    id="code.front-end-keys",
    group=Group.CODE,
    title="No key reaches a front end",
    severity=Severity.ERROR,
    why="Everyone who opens the page or the app can read everything in its bundle.",
    fix="Revoke the key at the provider, keep the new one at the back end only, and let the page call the back end.",
    run=run,
)
