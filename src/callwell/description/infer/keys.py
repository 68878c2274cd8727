# SPDX-License-Identifier: Apache-2.0
"""Infers how requests carry the key: by the supported security scheme that most operations accept."""

from __future__ import annotations

import re
from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core.rules.profile import KeyRule
from callwell.description.checks import HEADER_NAME
from callwell.description.error import DescriptionError
from callwell.description.infer.evidence import Found, Question
from callwell.description.infer.facts import as_mapping, as_text, iter_operations
from callwell.description.references import ReferenceResolver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.infer.evidence import Certainty
    from callwell.description.infer.facts import DocumentFacts

_PREFIX: Final = re.compile(
    r"authorization: ?[\"'`]?([a-z][a-z-]{1,20}) [\w<{\[$]|\b(bearer|token|bot|basic|api-?key|key) [<{\[$]",
    re.IGNORECASE,
)
"""A word that precedes the key in its header, as descriptions write it: `Authorization: Token <key>`."""

_SAYS_BEARER: Final = re.compile(r"\bbearer\b", re.IGNORECASE)


class SchemeKind(IntEnum):
    """Kinds of security schemes. If operations accept several, the one with the highest number is preferred."""

    UNSUPPORTED = 0
    TOKEN = 1
    BASIC = 2
    HEADER = 3
    BEARER = 4


class InferredKey(NamedTuple):
    """How requests carry the key.

    Attributes:
        rule: the rule of the profile.
        questions: what the document does not say, or what a profile cannot express.
        scheme: the name of the security scheme in the document; empty if there is none.
    """

    rule: Found[KeyRule]
    questions: tuple[Question, ...] = ()
    scheme: str = ""


def infer_key(facts: DocumentFacts, variable: str) -> InferredKey:
    """Infer how requests carry the key.

    Args:
        facts: the document.
        variable: the environment variable for the key.
    """
    schemes = _read_schemes(facts.document)
    uses = _count_uses(facts.document)
    if not schemes:
        return _infer_without_schemes(facts, variable)
    questions = list(_find_questions(schemes, uses))
    max_uses = max((uses[name] for name, scheme in schemes.items() if _kind_of(scheme)), default=0)
    # A scheme with fewer than half as many operations is an exception.
    usual = [name for name in schemes if 2 * uses[name] >= max_uses]
    ranked = sorted(usual, key=lambda name: (-_kind_of(schemes[name]), -uses[name]))
    for name in ranked:
        rule = _to_rule(schemes[name], variable)
        if rule is not None:
            reason = f"components.securitySchemes.{name}, {_describe(schemes[name])}"
            others = _needed_beside(facts.document, name)
            if others:
                described = ", ".join(f"{other} ({_describe(schemes[other])})" for other in others if other in schemes)
                questions.append(Question(f"requests need {described} as well, and a profile has one key"))
            level: Certainty = "documented" if uses[name] and not others else "assumed"
            return InferredKey(rule=Found(rule, level, reason), questions=tuple(questions), scheme=name)
    rule = KeyRule(scheme="none", env=variable)
    reason = f"{', '.join(ranked)}: no scheme that a profile can express"
    return InferredKey(rule=Found(rule, "assumed", reason), questions=tuple(questions), scheme=ranked[0])


def _infer_without_schemes(facts: DocumentFacts, variable: str) -> InferredKey:
    refusals = [response for response in facts.responses if response.status == "401"]
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
    """Count the operations that accept each scheme, alone or with others."""
    shared = document.get("security")
    uses: Counter[str] = Counter()
    for _, _, operation in iter_operations(document):
        requirements = operation.get("security", shared)
        names = (
            {name for requirement in requirements for name in as_mapping(requirement)}
            if isinstance(requirements, list)
            else ()
        )
        uses.update(names)
    return uses


def _needed_beside(document: Mapping[str, Any], name: str) -> list[str]:
    """The schemes that are always required together with a scheme; none if it is ever enough alone."""
    shared = document.get("security")
    together: list[set[str]] = []
    for _, _, operation in iter_operations(document):
        requirements = operation.get("security", shared)
        listed = requirements if isinstance(requirements, list) else []
        together += [set(requirement) - {name} for requirement in listed if name in as_mapping(requirement)]
    return sorted(set.intersection(*together)) if together else []


def _kind_of(scheme: Mapping[str, Any]) -> SchemeKind:
    match scheme.get("type"), str(scheme.get("scheme", "")).lower(), scheme.get("in"):
        case ("http", "bearer", _):
            return SchemeKind.BEARER
        case ("apiKey", _, "header"):
            return SchemeKind.HEADER
        case ("http", "basic", _):
            return SchemeKind.BASIC
        case ("oauth2" | "openIdConnect", _, _):
            return SchemeKind.TOKEN
        case _:
            return SchemeKind.UNSUPPORTED


def _to_rule(scheme: Mapping[str, Any], variable: str) -> KeyRule | None:
    """Convert a scheme to a rule; None if a profile cannot express it."""
    match _kind_of(scheme):
        case SchemeKind.BEARER | SchemeKind.TOKEN:
            return KeyRule(env=variable)
        case SchemeKind.BASIC:
            return KeyRule(scheme="basic", env=variable)
        case SchemeKind.HEADER:
            return _header_rule(scheme, variable)
        case _:
            return None


def _header_rule(scheme: Mapping[str, Any], variable: str) -> KeyRule | None:
    header = str(scheme.get("name", "")).lower()
    if not HEADER_NAME.fullmatch(header):
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


def _describe(scheme: Mapping[str, Any]) -> str:
    """Describe a scheme in a few words."""
    match scheme.get("type"):
        case "http":
            return f"HTTP {scheme.get('scheme', '')}"
        case "apiKey":
            return f"a key in the {scheme.get('in', '')} {scheme.get('name', '')}"
        case kind:
            return str(kind)


def _find_questions(schemes: Mapping[str, Mapping[str, Any]], uses: Counter[str]) -> list[Question]:
    """Open questions about the schemes of a document."""
    questions: list[Question] = []
    for name, scheme in schemes.items():
        flows = as_mapping(scheme.get("flows"))
        token_urls = [as_text(as_mapping(flow).get("tokenUrl")) for flow in flows.values()]
        if scheme.get("type") == "oauth2":
            token_url = next(filter(None, token_urls), "")
            shown = f" (token URL: {token_url})" if token_url else ""
            questions.append(Question(f"{name} is OAuth 2.0{shown}: the key is an access token; who renews it?"))
        elif scheme.get("type") == "apiKey" and str(scheme.get("name")).lower() == "authorization":
            example = (r'pattern = "Token \\S+"', 'looks_like = "`Token`, a space and the key"')
            questions.append(
                Question(f"{name}: does a word precede the key in its header? Then it is part of the key", example)
            )
        elif _kind_of(scheme) is SchemeKind.BASIC:
            questions.append(
                Question(f"{name}: the key is sent as the user name, with an empty password; is that right?")
            )
        elif _kind_of(scheme) is SchemeKind.UNSUPPORTED:
            questions.append(
                Question(f"{name} is {_describe(scheme)}, which a profile cannot express; {uses[name]} operations")
            )
    return questions
