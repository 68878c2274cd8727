# SPDX-License-Identifier: Apache-2.0
"""Infers environments: each server of the document is one, named after its description, its variables or its host."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from callwell.core.addresses import LOOPBACK_HOSTS
from callwell.core.rules.environments import EnvironmentRule
from callwell.description.infer.evidence import Found, Question
from callwell.description.infer.facts import as_mapping, as_text
from callwell.description.names import to_snake_case
from callwell.description.servers import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PLACEHOLDER: Final = "https://api.example.invalid"
"""The URL until the real one is known: its host never exists (RFC 2606, section 2)."""

PRODUCTION: Final = "production"

KINDS: Final = {
    "sandbox": ("sandbox",),
    "staging": ("staging", "stage", "preprod", "preproduction", "uat"),
    "test": ("test", "testing", "qa", "demo"),
    "development": ("development", "develop", "dev"),
    "mock": ("mock",),
    "local": ("local", "localhost", "127"),
    PRODUCTION: ("production", "prod", "live"),
}
"""Name of an environment → words in a description, variable or host that mean it."""

NON_PRODUCTION: Final = frozenset(KINDS) - {PRODUCTION}
"""Environments that usually have their own keys: a production key must not be sent there."""

MAX_ENVIRONMENTS: Final = 12
"""The most environments that are written: a variable with more values is better filled in by a person."""

_WORD: Final = re.compile(r"[a-z]+|\d+")


class _Server(NamedTuple):
    """One server of the document.

    Attributes:
        url: its URL, with variables filled in.
        words: possible names, the best first.
        reason: its place in the document.
    """

    url: str
    words: tuple[str, ...]
    reason: str


class Environments(NamedTuple):
    """The environments, and open questions about them.

    Attributes:
        by_name: the environments by name, the default one first.
        questions: questions that the document does not answer.
    """

    by_name: Mapping[str, Found[EnvironmentRule]]
    questions: tuple[Question, ...]


def infer_environments(document: Mapping[str, Any], address: str, key_variable: str) -> Environments:
    """Make environments of a document's servers.

    Args:
        document: the document, as OpenAPI 3.
        address: the URL that it came from, the base of relative URLs; empty if it came from a file.
        key_variable: the environment variable of the key.
    """
    servers, questions = _read_servers(document, address)
    described = _prefer_tls(servers)
    urls = list(described)
    named = _name_all({url: described[url].words for url in urls[:MAX_ENVIRONMENTS]})
    if not named:
        return _without_servers(questions)
    default = PRODUCTION if PRODUCTION in named else next(iter(named))
    ordered = {default: named[default], **named}
    found = {
        name: _explain_rule(
            _to_rule(name, url, default, key_variable, several=len(named) > 1),
            described[url],
            is_documented=url in servers,
        )
        for name, url in ordered.items()
    }
    questions += [
        Question(f"which value of {{{name}}} is yours? The document's default is {as_text(variable.get('default'))!r}")
        for name, variable in _open_variables(document)
    ]
    if left_out := urls[MAX_ENVIRONMENTS:]:
        questions.append(Question(f"{len(left_out)} more servers are in the document, such as {left_out[0]}"))
    return Environments(found, tuple(questions))


def _read_servers(document: Mapping[str, Any], address: str) -> tuple[dict[str, _Server], list[Question]]:
    """The servers with an absolute URL, by that URL, and questions about the others."""
    servers: dict[str, _Server] = {}
    questions = []
    # Without servers, OpenAPI means the host that the document came from (OpenAPI Object, `servers`).
    own_host = (
        [_Server("/", (), "no server is named: that of the document")]
        if address and not document.get("servers")
        else ()
    )
    for server in (*_iter_servers(document), *own_host):
        url = _absolute(server.url, address)
        if url is None:
            questions.append(Question(f"the document has the server {server.url!r}, which is not an absolute address"))
        else:
            servers.setdefault(url, server)
    return servers, questions


def _prefer_tls(servers: Mapping[str, _Server]) -> dict[str, _Server]:
    """The servers by URLs that a key may be sent to: https, or http on this machine."""
    secure = {url.partition("://")[2] for url in servers if url.startswith("https:")}
    return {
        _with_tls(url): server
        for url, server in servers.items()
        if url.startswith("https:") or url.partition("://")[2] not in secure
    }


def _without_servers(questions: list[Question]) -> Environments:
    """A placeholder URL, and the question where the service is."""
    rule = EnvironmentRule(base_url=PLACEHOLDER)
    asked = Question(
        "where is the service? The document names no server; set base_url, or give `--base-url` to commands",
        ('base_url = "https://api.example.com/v1"',),
    )
    return Environments({PRODUCTION: Found(rule, "assumed", "no server is documented")}, (asked, *questions))


def _with_tls(url: str) -> str:
    """A URL to which a key may be sent: with TLS, or on this machine."""
    is_plain = url.startswith("http:") and urlsplit(url).hostname not in LOOPBACK_HOSTS
    return url.replace("http:", "https:", 1) if is_plain else url


def _explain_rule(rule: EnvironmentRule, server: _Server, *, is_documented: bool) -> Found[EnvironmentRule]:
    if is_documented:
        return Found(rule, "documented", server.reason)
    return Found(rule, "assumed", f"{server.reason} has http, but keys are sent by https only")


def _to_rule(name: str, url: str, default: str, key_variable: str, *, several: bool) -> EnvironmentRule:
    own_key = f"{key_variable.removesuffix('_API_KEY')}_{name.upper()}_API_KEY"
    return EnvironmentRule(
        base_url=url,
        default=several and name == default,
        env=own_key if name != default and name.partition("_")[0] in NON_PRODUCTION else None,
    )


def _iter_servers(document: Mapping[str, Any]) -> Iterator[_Server]:
    """Yield the servers, one for each value of a variable that selects an environment."""
    servers = document.get("servers")
    for index, node in enumerate(servers if isinstance(servers, list) else ()):
        server = as_mapping(node)
        url = server.get("url")
        if not isinstance(url, str):
            continue
        variables = {name: as_mapping(variable) for name, variable in as_mapping(server.get("variables")).items()}
        choices = [_values_of(variables.get(name, {}), name) for name in dict.fromkeys(VARIABLE.findall(url))]
        for values in itertools.islice(itertools.product(*choices), MAX_ENVIRONMENTS + 1):
            filled = url
            for name, value in values:
                filled = filled.replace(f"{{{name}}}", value) if value or name in variables else filled
            words = (as_text(server.get("description")), *(value for _, value in values))
            yield _Server(filled.strip(), (*words, filled), f"servers.{index}")


def _open_variables(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The server variables without an enumeration of values."""
    servers = document.get("servers")
    for server in servers if isinstance(servers, list) else ():
        for name, variable in as_mapping(as_mapping(server).get("variables")).items():
            if not as_mapping(variable).get("enum"):
                yield name, as_mapping(variable)


def _values_of(variable: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """The values of a server variable that become environments, each with the variable's name."""
    values = variable.get("enum")
    is_choice = isinstance(values, list) and re.search("env|region|host|server|mode|stage|subdomain", name.lower())
    default = str(variable.get("default", "") or "")
    if not is_choice or not isinstance(values, list):
        return [(name, default)]
    others = [str(value) for value in values if str(value) != default]
    return [(name, value) for value in ([default, *others] if default else others)]


def _absolute(url: str, address: str) -> str | None:
    """A server's URL as a base URL; None if it is not absolute."""
    try:
        whole = urljoin(address, url) if address else url
        parts = urlsplit(f"https:{whole}" if whole.startswith("//") else whole)
        if parts.scheme not in ("http", "https") or not parts.hostname or VARIABLE.search(whole):
            return None
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/")


def _name_all(servers: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Name the servers."""
    named: dict[str, str] = {}
    kinds = {url: _kind_of(words) for url, words in servers.items()}
    for url, words in servers.items():
        name = kinds[url]
        if name is None:
            name = PRODUCTION if PRODUCTION not in (*named, *kinds.values()) else _other_name(url, words)
        names = itertools.chain(
            [name, f"{name}_{_other_name(url, words)}"], (f"{name}_{n}" for n in itertools.count(2))
        )
        named[next(candidate for candidate in names if candidate not in named)] = url
    return named


def _kind_of(words: tuple[str, ...]) -> str | None:
    """The kind of environment that some words suggest."""
    for text in words:
        found = _WORD.findall(text.lower())
        for name, marks in KINDS.items():
            if any(mark in found for mark in marks):
                return name
    return None


def _other_name(url: str, words: tuple[str, ...]) -> str:
    """A name from the values of variables, or from the host."""
    value = next((to_snake_case(word) for word in words[1:-1] if word), "")
    host = to_snake_case((urlsplit(url).hostname or "").partition(".")[0])
    name = value or host or "other"
    return name if name[:1].isalpha() else f"server_{name}"
