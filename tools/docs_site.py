#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the site of the documentation and checks the result: `make docs`.

The strict mode of the generator counts only its own warnings, so everything that it prints beyond its usual lines is an
error as well. Pages and style sheets must load nothing from elsewhere, each page must forbid the browser to do so, and
the reference must have an entry for each public name.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import callwell

ROOT: Final = Path(__file__).resolve().parent.parent
SITE: Final = ROOT / "build" / "site"
REFERENCED: Final = (
    "errors",
    "testing",
    "core.rules.profile",
    "core.rules.operations",
    "core.rules.environments",
    "observe.notices",
)
"""Modules with all their public classes and functions in the reference."""

USUAL: Final = re.compile(r"Build started|Build finished in .*|No issues found|")
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
FOREIGN: Final = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
IN_STYLE: Final = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""")
LOADING: Final = frozenset({"src", "srcset", "data", "poster", "action", "formaction", "background", "ping"})
"""Attributes with an address that a browser loads or sends to. `href` is checked apart: links load nothing."""

POLICY: Final = "default-src 'self'"


class Page(HTMLParser):
    """What a page loads, which anchors it has, and whether it forbids foreign addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.strict = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element loads."""
        given = {name: value or "" for name, value in attrs}
        self.loads += [value for name, value in given.items() if name in LOADING]
        self.loads += IN_STYLE.findall(given.get("style", ""))
        if tag not in ("a", "area") and "href" in given:
            self.loads.append(given["href"])
        self.anchors |= {given["id"]} if "id" in given else set()
        self.strict |= given.get("http-equiv") == "Content-Security-Policy" and POLICY in given["content"]


def main() -> int:
    """Build and check; the exit code is 1 if anything is wrong."""
    complaints = build() or check(SITE)
    for complaint in complaints:
        print(f"docs: {complaint}")
    if not complaints:
        print(f"docs: ok, {len(list(SITE.rglob('*.html')))} pages in {SITE.relative_to(ROOT)}")
    return bool(complaints)


def build() -> list[str]:
    """Build the site. Returns what the generator printed beyond its usual lines."""
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    settings = {**os.environ, "NO_COLOR": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=settings)
    output, _, traceback = COLOUR.sub("", ran.stdout + ran.stderr).partition("Traceback ")
    lines = [*output.splitlines(), *traceback.splitlines()[-1:]]
    unusual = [line for line in lines if not USUAL.fullmatch(line.strip())]
    return unusual or [f"zensical ended with {ran.returncode}"] * bool(ran.returncode)


def check(site: Path) -> list[str]:
    """What is wrong with a site.

    Args:
        site: its folder.
    """
    complaints: list[str] = []
    anchors: set[str] = set()
    for file in sorted(site.rglob("*.html")):
        page = Page(file.read_text(encoding="utf-8"))
        anchors |= page.anchors
        complaints += [f"{file.relative_to(site)} loads {address}" for address in foreign(page.loads)]
        if not page.strict:
            complaints.append(f"{file.relative_to(site)} does not forbid foreign addresses")
    for file in sorted([*site.rglob("*.css"), *site.rglob("*.svg")]):
        addresses = IN_STYLE.findall(file.read_text(encoding="utf-8"))
        complaints += [f"{file.relative_to(site)} loads {address}" for address in foreign(addresses)]
    known = {place.rpartition(".")[2] for place in anchors}
    return complaints + [f"the reference does not have {name}" for name in public() if name not in known]


def foreign(addresses: list[str]) -> list[str]:
    """The addresses outside the site."""
    return [address for address in addresses if FOREIGN.match(address.strip())]


def public() -> list[str]:
    """The names that the reference must have."""
    names = set(vars(callwell)["__all__"]) - {"errors"}
    for name in REFERENCED:
        module = importlib.import_module(f"callwell.{name}")
        named = vars(module).items()
        names |= {key for key, value in named if getattr(value, "__module__", "") == module.__name__ and key[0] != "_"}
    return sorted(names)


if __name__ == "__main__":
    sys.exit(main())
