# SPDX-License-Identifier: Apache-2.0
"""Decides whether JavaScript runs in browsers and apps, or on a server: by its path, its text, and its package.

Without any evidence it counts as server code: a false alarm is worse here, because the bundle is checked as well.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

TEMPLATES: Final = (".jinja", ".jinja2", ".ejs", ".hbs", ".njk", ".twig")
BROWSER_ONLY_SUFFIXES: Final = (".vue", ".svelte", ".html", ".htm", *TEMPLATES)
"""Suffixes of files that only browsers get, whether or not they are templates."""

APP_SOURCES: Final = (".dart", ".kt", ".java", ".swift", ".m")
APP_FILES: Final = re.compile(
    r"\.(?:plist|xcconfig)$|(?:^|/)res/values[^/]*/[^/]*\.xml$|(?:^|/)AndroidManifest\.xml$|(?:^|/)app\.json$"
    r"|(?:^|/)(?:android|app)/(?:.*/)?[^/]*\.gradle(?:\.kts)?$|(?:^|/)android[^/]*/(?:.*/)?[^/]*\.(?:gradle(?:\.kts)?|properties)$"
)
"""Files that are built into an app for a phone."""

APP_PATH: Final = re.compile(r"(?:^|/)(?:android[^/]*|ios[^/]*|macos|app/src/main|Runner)/")
APP_TEXT: Final = re.compile(
    r"^\s*import\s+(?:android[x.]|UIKit|SwiftUI|Foundation\b)|package:flutter|\bimport\s+'package:http/", re.MULTILINE
)
APP_SERVER: Final = re.compile(
    r"org\.springframework|io\.ktor\.server|\bimport\s+Vapor\b|package:shelf|dart_frog|javax?\.servlet|jakarta\.|quarkus"
)
"""Text that only servers contain. Tells apps from servers written in the same language."""

NOT_SHIPPED: Final = re.compile(
    r"(?:^|/)(?:__tests__|__mocks__|tests?|cypress|e2e|stories|fixtures)/|\.(?:test|spec|stories|cy|d)\.[jt]sx?$"
)
"""Tests, stories and type declarations."""

SERVER_PATH: Final = re.compile(
    r"(?:^|/)(?:server|backend|functions|lambda|lambdas|workers?|scripts|bin|tools|ssr|edge|migrations)/"
    r"|(?:^|/)(?:pages|app)/(?:.*/)?api/|^api/|\.server\.[jt]sx?$|(?:^|/)\+server\.[jt]s$|(?:^|/)route\.[jt]s$"
    r"|(?:^|/)(?:server|middleware|proxy)\.[cm]?[jt]s$|(?:^|/)[^/]*\.config\.[cm]?[jt]s$"
)

SHIPPED_PATH: Final = re.compile(
    r"(?:^|/)(?:public|static|assets|www|wwwroot|htdocs|staticfiles|webroot)/|(?:^|/)\.next/static/|\.min\.js$"
    r"|(?:^|/)\.output/public/"
)
"""Folders of static files."""

SERVER_TEXT: Final = re.compile(
    r"""(?:from\s*|require\(\s*|import\s+|import\(\s*)["'](?:node:[a-z/_]+|express|fastify|koa|hono|@nestjs/[\w-]+"""
    r"""|fs|fs/promises|http|https|path|net|child_process|crypto|pg|mysql2?|@prisma/client|server-only|aws-lambda"""
    r"""|@aws-sdk/[\w-]+|firebase-functions[\w/-]*|next/server|next/headers|dotenv(?:/config)?|undici|axios-retry"""
    r"""|@remix-run/node|\$env/(?:static|dynamic)/private)["']"""
    r"""|["']use server["']|\bexports\.handler\b|\bDeno\.(?:env|serve)|\bBun\.(?:env|serve)\b"""
    r"""|\bexport\s+(?:async\s+function|const)\s+(?:GET|POST|PUT|DELETE|PATCH|getServerSideProps|getStaticProps)\b"""
    r"""|\bprocess\.env\.(?!NEXT_PUBLIC_|REACT_APP_|VUE_APP_|EXPO_PUBLIC_|GATSBY_|NG_APP_|NODE_ENV\b|PUBLIC_)[A-Z]"""
)
"""Text that only server code contains."""

BROWSER_TEXT: Final = re.compile(
    r"""["']use client["']|\bdocument\.|\bwindow\.|\blocalStorage\b|\bsessionStorage\b|\bnavigator\."""
    r"""|\bimport\.meta\.env\b|\bXMLHttpRequest\b|\baddEventListener\(|\buse(?:State|Effect|Query|Mutation|Memo|Callback|Ref)\("""
    r"""|(?:from\s*|require\(\s*)["'](?:react|react-dom[\w/]*|vue|svelte[\w/]*|@angular/[\w/-]+|solid-js[\w/]*|preact[\w/]*"""
    r"""|react-native[\w/-]*|@ionic/[\w/-]+|lit|jquery|expo[\w/-]*)["']"""
    r"""|\bprocess\.env\.(?:NEXT_PUBLIC_|REACT_APP_|VUE_APP_|EXPO_PUBLIC_|GATSBY_|NG_APP_)"""
)
"""Text that only code in a browser or an app contains."""

FRONT_END_PACKAGES: Final = frozenset(
    {
        *(
            "react",
            "react-dom",
            "vue",
            "svelte",
            "@angular/core",
            "solid-js",
            "preact",
            "vite",
            "react-scripts",
            "parcel",
        ),
        *("react-native", "expo", "@ionic/core", "lit", "@vue/cli-service", "gatsby"),
    }
)
SERVER_PACKAGES: Final = frozenset(
    {"express", "fastify", "koa", "hono", "@nestjs/core", "next", "nuxt", "@sveltejs/kit", "@remix-run/node", "astro"}
)


class Packages:
    """The `package.json` files of a project: which packages each folder depends on."""

    def __init__(self) -> None:
        self._of_folder: dict[str, frozenset[str]] = {}

    def add(self, name: str, text: str) -> None:
        """Add a file.

        Args:
            name: its name, relative to the project's root.
            text: its text; ignored if it is not JSON.
        """
        try:
            package = msgspec.json.decode(text.encode(), type=_Dependencies)
        except (msgspec.DecodeError, RecursionError):
            return
        self._of_folder[name.rpartition("/")[0]] = frozenset(package.dependencies) | frozenset(package.devDependencies)

    def of(self, name: str) -> frozenset[str]:
        """The packages that a file's nearest `package.json` names.

        Args:
            name: the file, relative to the project's root.
        """
        folder = name
        while folder:
            folder = folder.rpartition("/")[0]
            if folder in self._of_folder:
                return self._of_folder[folder]
        return frozenset()


class _Dependencies(msgspec.Struct):
    dependencies: dict[str, object] = {}
    devDependencies: dict[str, object] = {}  # noqa: N815 - the name in the format


def is_server(name: str, text: str) -> bool:
    """Whether there is evidence that a file runs on a server.

    Args:
        name: the file, relative to the project's root.
        text: its text.
    """
    return SERVER_PATH.search(name) is not None or SERVER_TEXT.search(text) is not None


def is_front_end(name: str, text: str, packages: frozenset[str]) -> bool:
    """Whether a file runs in browsers or apps.

    Args:
        name: the file, relative to the project's root.
        text: its text.
        packages: the packages that the nearest `package.json` names.
    """
    if NOT_SHIPPED.search(name):
        return False
    if SHIPPED_PATH.search(name):
        return SERVER_TEXT.search(text) is None
    if name.endswith(BROWSER_ONLY_SUFFIXES) or APP_FILES.search(name):
        return True
    if name.endswith(APP_SOURCES):
        return is_app(name, text)
    if is_server(name, text):
        return False
    on_server_first = "next" in packages and re.search(r"(?:^|/)app/", name) is not None
    if on_server_first:
        return re.search(r"""["']use client["']""", text) is not None
    if BROWSER_TEXT.search(text):
        return True
    return not packages.isdisjoint(FRONT_END_PACKAGES) and packages.isdisjoint(SERVER_PACKAGES)


def is_app(name: str, text: str) -> bool:
    """Whether a file in Dart, Kotlin, Java, Swift or Objective-C is part of an app.

    Args:
        name: the file, relative to the project's root.
        text: its content.
    """
    if SERVER_PATH.search(name) is not None or APP_SERVER.search(text) is not None:
        return False
    return name.endswith(".dart") or APP_PATH.search(name) is not None or APP_TEXT.search(text) is not None
