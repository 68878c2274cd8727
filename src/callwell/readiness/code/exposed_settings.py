# SPDX-License-Identifier: Apache-2.0
"""Finds the parts of a configuration that a bundler or an app puts into the front end, and provider keys in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.code.provider_signatures import ProviderSignatures

CONFIGURATION: Final = re.compile(
    r"(?:.*/)?(?:(?:vite|next|webpack|nuxt|rollup|esbuild|rspack|rsbuild|astro|gatsby|vue|craco|tsup|app)[\w.-]*\.[cm]?[jt]s"
    r"|app\.json)"
)
"""Configuration files of bundlers, and of Expo."""

OPENERS: Final = re.compile(
    r"(?:\b(?:define|public|publicRuntimeConfig|env|extra)[\"']?\s*:\s*|\b(?:DefinePlugin|EnvironmentPlugin)\s*\(\s*"
    r"|\benvPrefix[\"']?\s*:\s*)[\[{\"']"
)
"""What comes before a part that everyone can read: of Vite and webpack, Nuxt, Next.js and Expo."""

PREFIX: Final = re.compile(r"envPrefix[\"']?\s*:\s*(?:\[([^\]]*)\]|([\"'][^\"']*[\"']))")

CLOSERS: Final = {"{": "}", "[": "]", "(": ")"}


def names_in_any_spelling(signatures: ProviderSignatures) -> str:
    """A regular expression for the names of variables with a provider's key, in any case and with any separator."""
    stems = set[str]()
    for provider in signatures.providers.values():
        stems |= {re.sub(r"[^a-z0-9]+", "[_. -]?", name.lower()) for name in (provider.name, provider.profile.title)}
    kinds = "(?:[_. -]?(?:api|secret|private|access|auth))*[_. -]?(?:key|secret|token)"
    listed = {re.sub("_", "[_. -]?", variable.lower()) for variable in signatures.key_variables}
    return rf"(?i:(?:{'|'.join(sorted(listed))}|(?:{'|'.join(sorted(stems))}){kinds}))"


def exposed_parts(text: str) -> Iterator[tuple[int, str]]:
    """The parts of a configuration that reach the front end, each with its place in the text.

    Args:
        text: the configuration.
    """
    for found in OPENERS.finditer(text):
        start = found.end() - 1
        if text[start] in CLOSERS:
            yield start, text[start : _end_of(text, start)]


def exposed_prefixes(text: str) -> Iterator[tuple[int, str]]:
    """The prefixes of variables that a configuration adds to those that reach the front end.

    Args:
        text: the configuration.
    """
    for found in PREFIX.finditer(text):
        for prefix in re.findall(r"[\"'](\w+)[\"']", found[1] or found[2]):
            yield found.start(), prefix


def _end_of(text: str, start: int) -> int:
    """Where the bracket closes that opens at a place."""
    depth = 0
    for found in re.finditer(r"[\[\](){}]", text[start:]):
        depth += 1 if found[0] in CLOSERS else -1
        if depth == 0:
            return start + found.end()
    return len(text)
