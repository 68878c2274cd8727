# SPDX-License-Identifier: Apache-2.0
"""How requests carry the key: the security scheme that most operations accept, of those that a profile can express."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core.rules.profile import KeyRule
from callwell.description.error import DescriptionError
from callwell.description.infer.evidence import Found, Question
from callwell.description.infer.facts import as_mapping, as_text, iter_operations
from callwell.description.references import ReferenceResolver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.infer.facts import Facts

_PREFIX: Final = re.compile(
    r"authorization: ?[\"'`]?([a-z][a-z-]{1,20}) [\w<{\[$]|\b(bearer|token|bot|basic|api-?key|key) [<{\[$]",
    re.IGNORECASE,
)
"""A word that stands before the key in its header, as descriptions write it: `Authorization: Token <key>`."""

_SAYS_BEARER: Final = re.compile(r"\bbearer\b", re.IGNORECASE)
_TOKEN_OF_A_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class InferredKey(NamedTuple):
    """The key.

    Attributes:
        rule: how it is carried.
        questions: what the document does not say, or a profile cannot.
        scheme: the name of the security scheme in the document; empty if there is none.
    """

    rule: Found[KeyRule]
    questions: tuple[Question, ...] = ()
    scheme: str = ""


def infer_key(facts: Facts, variable: str) -> InferredKey:
    """How a document's requests carry the key.

    Args:
        facts: the document.
        variable: the environment variable for the key.
    """
    schemes = _read_schemes(facts.document)
    uses = _count_uses(facts.document)
    if not schemes:
        return _without_schemes(facts, variable)
    questions = list(_questions(schemes, uses))
    most = max((uses[name] for name, scheme in schemes.items() if _rank(scheme)), default=0)
    usual = [name for name in schemes if 2 * uses[name] >= most]  # what few operations accept is an exception
    used = sorted(usual, key=lambda name: (-_rank(schemes[name]), -uses[name]))
    for name in used:
        rule = _rule(schemes[name], variable)
        if rule is not None:
            reason = f"components.securitySchemes.{name}, {_words(schemes[name])}"
            level = "documented" if uses[name] else "assumed"
            return InferredKey(
                Found(rule, "documented" if level == "documented" else "assumed", reason), (*questions,), name
            )
    rule = KeyRule(scheme="none", env=variable)
    reason = f"{', '.join(used)}: no scheme that a profile can express"
    return InferredKey(Found(rule, "assumed", reason), (*questions,), used[0])


def _without_schemes(facts: Facts, variable: str) -> InferredKey:
    refusals = [one for one in facts.responses if one.status == "401"]
    if refusals:
        rule = Found(
            KeyRule(env=variable), "assumed", f"no scheme is documented, but {len(refusals)} responses 401 are"
        )
        return InferredKey(
            rule, (Question("how do requests carry the key?", ('scheme = "header"', 'header = "x-api-key"')),)
        )
    rule = Found(KeyRule(scheme="none", env=variable), "assumed", "the document names no key")
    return InferredKey(rule, (Question("does the service need a key?", ('scheme = "bearer"',)),))


def _read_schemes(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The security schemes by name, references resolved."""
    references = ReferenceResolver(document)
    found: dict[str, Mapping[str, Any]] = {}
    for name, node in as_mapping(as_mapping(document.get("components")).get("securitySchemes")).items():
        try:
            found[name] = references.resolve(node, ("components", "securitySchemes", name))[0]
        except DescriptionError:
            continue
    return found


def _count_uses(document: Mapping[str, Any]) -> Counter[str]:
    """How many operations accept each scheme, alone or with others."""
    shared = document.get("security")
    uses: Counter[str] = Counter()
    for _, _, operation in iter_operations(document):
        requirements = operation.get("security", shared)
        names = (
            {name for one in requirements or () for name in as_mapping(one)} if isinstance(requirements, list) else ()
        )
        uses.update(names)
    return uses


def _rank(scheme: Mapping[str, Any]) -> int:
    """Which scheme is preferred if several are accepted: the one that carries a key best."""
    kind = (scheme.get("type"), str(scheme.get("scheme", "")).lower(), scheme.get("in"))
    match kind:
        case ("http", "bearer", _):
            return 5
        case ("apiKey", _, "header"):
            return 4
        case ("http", "basic", _):
            return 3
        case ("oauth2" | "openIdConnect", _, _):
            return 2
        case _:
            return 0


def _rule(scheme: Mapping[str, Any], variable: str) -> KeyRule | None:
    """A scheme as a rule; None if a profile cannot express it."""
    match _rank(scheme):
        case 5 | 2:
            return KeyRule(env=variable)
        case 3:
            return KeyRule(scheme="basic", env=variable)
        case 4:
            return _header_rule(scheme, variable)
        case _:
            return None


def _header_rule(scheme: Mapping[str, Any], variable: str) -> KeyRule | None:
    header = str(scheme.get("name", "")).lower()
    if not _TOKEN_OF_A_HEADER.fullmatch(header):
        return None
    if header != "authorization":
        return KeyRule(scheme="header", header=header, env=variable)
    if _SAYS_BEARER.search(as_text(scheme.get("description"))):
        return KeyRule(env=variable)
    found = _PREFIX.search(as_text(scheme.get("description")))
    word = (found[1] or found[2]) if found else ""
    prefix = word[:1].upper() + word[1:]
    if not prefix:
        return KeyRule(scheme="header", env=variable)
    pattern = rf"{prefix} \S+"
    return KeyRule(scheme="header", env=variable, pattern=pattern, looks_like=f"`{prefix}`, a space and the key")


def _words(scheme: Mapping[str, Any]) -> str:
    """A scheme in a few words."""
    match scheme.get("type"):
        case "http":
            return f"HTTP {scheme.get('scheme', '')}"
        case "apiKey":
            return f"a key in the {scheme.get('in', '')} {scheme.get('name', '')}"
        case kind:
            return str(kind)


def _questions(schemes: Mapping[str, Mapping[str, Any]], uses: Counter[str]) -> list[Question]:
    """What is left to say about the schemes of a document."""
    asked: list[Question] = []
    for name, scheme in schemes.items():
        flows = as_mapping(scheme.get("flows"))
        addresses = [as_text(as_mapping(flow).get("tokenUrl")) for flow in flows.values()]
        if scheme.get("type") == "oauth2":
            where = next((one for one in addresses if one), "")
            more = f" (token URL: {where})" if where else ""
            asked.append(Question(f"{name} is OAuth 2.0{more}: the key is an access token; who renews it?"))
        elif scheme.get("type") == "apiKey" and str(scheme.get("name")).lower() == "authorization":
            example = (r'pattern = "Token \\S+"', 'looks_like = "`Token`, a space and the key"')
            asked.append(
                Question(f"{name}: does a word stand before the key in its header? It belongs to the key", example)
            )
        elif _rank(scheme) == 3:  # noqa: PLR2004 - see `_rank`
            asked.append(Question(f"{name}: the key is sent as the user name, with an empty password; is that right?"))
        elif _rank(scheme) == 0:
            asked.append(
                Question(f"{name} is {_words(scheme)}, which a profile cannot express; {uses[name]} operations")
            )
    return asked
