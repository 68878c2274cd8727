# SPDX-License-Identifier: Apache-2.0
"""Combines the inferred parts into a profile that is valid for its document.

Names in a document may suggest a rule that the checks of a profile refuse: a path through a union, a size beyond a
maximum. Such a rule is dropped, with its reason, so that the profile always loads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core.rules.operations import OperationRule
from callwell.core.rules.profile import Profile, QuotaRule
from callwell.description import checks
from callwell.description.error import DescriptionError
from callwell.description.infer import remarks
from callwell.description.infer.environments import Environments, infer_environments
from callwell.description.infer.errors import infer_errors
from callwell.description.infer.facts import as_mapping, as_text
from callwell.description.infer.keys import InferredKey, infer_key
from callwell.description.infer.paging import infer_by_link_header, infer_paging, list_position
from callwell.description.infer.quota_headers import InferredQuota, infer_quota
from callwell.description.names import to_snake_case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.core.rules.operations import PagingRule
    from callwell.core.rules.profile import ErrorRule
    from callwell.description.infer.evidence import Found, Question
    from callwell.description.infer.facts import DocumentFacts
    from callwell.description.model import Api

QUOTA: Final = "all"
"""The name of the quota that every request counts against until the limits are known."""

MAX_NAME_WORDS: Final = 4
"""How many words of a title become the provider's name, which people type often."""

GENERIC_WORDS: Final = frozenset({"api", "the", "rest", "openapi", "reference", "v1", "v2", "v3"})
"""Words of a title that say nothing about the provider."""

_ADDRESS: Final = re.compile(r"https?://[^\s<>\"]+")


class Inferred(NamedTuple):
    """Everything that was inferred from a document.

    Attributes:
        name: the name of the provider in code.
        title: its name for display.
        docs: the URL of its documentation; empty if the document does not give it.
        source: the URL of the document; empty if it came from a file.
        environments: the base URLs of requests.
        key: how requests carry the key.
        quota: what is known about quotas.
        errors: where errors have their message and code; None if no error is described.
        lists: how lists are read, by the name of the operation.
        unclear: lists that cannot be read page by page, each with the reason.
        remarks: remarks about operations that a person may want to describe.
        canary: an operation that could try a new key.
    """

    name: str
    title: str
    docs: str
    source: str
    environments: Environments
    key: InferredKey
    quota: InferredQuota
    errors: Found[ErrorRule] | None
    lists: Mapping[str, Found[PagingRule]]
    unclear: Mapping[str, str]
    remarks: tuple[Question, ...] = ()
    canary: str | None = None

    def profile(self) -> Profile:
        """The profile with all inferred rules."""
        headers = self.quota.headers
        errors: dict[str, Any] = {} if self.errors is None else {"errors": self.errors.value}
        return Profile(
            name=self.name,
            title=self.title,
            docs=self.docs,
            source=self.source,
            environments={name: found.value for name, found in self.environments.by_name.items()},
            key=self.key.rule.value,
            quotas={QUOTA: QuotaRule(adaptive=True)},
            quota_headers=None if headers is None else headers.value,
            operations={name: OperationRule(paging=found.value) for name, found in self.lists.items()},
            **errors,
        )


def infer(facts: DocumentFacts, name: str = "") -> Inferred:
    """Infer the profile of a provider from its document, as far as possible.

    Args:
        facts: the document.
        name: the provider's name in code; derived from the document's title if empty.
    """
    name = to_provider_name(name or facts.api.title)
    variable = f"{name.upper()}_API_KEY"
    linked = {
        (response.method, response.path)
        for response in facts.responses
        if response.status[:1] == "2" and "link" in response.headers
    }
    lists: dict[str, Found[PagingRule]] = {}
    unclear: dict[str, str] = {}
    for operation in facts.api.operations.values():
        found = infer_paging(operation, link_header=(operation.method, operation.path) in linked)
        if found is not None and found.rule is not None:
            lists[operation.name] = found.rule
        elif found is not None:
            unclear[operation.name] = found.problem
    _add_linked(facts.api, lists, unclear)
    return _drop_invalid(
        Inferred(
            name=name,
            title=" ".join(facts.api.title.split()) or name,
            docs=_find_docs(facts.document),
            source=facts.address,
            environments=infer_environments(facts.document, facts.address, variable),
            key=infer_key(facts, variable),
            quota=infer_quota(facts),
            errors=infer_errors(facts),
            lists=lists,
            unclear=unclear,
            remarks=remarks.find_remarks(facts),
            canary=remarks.find_canary(facts),
        ),
        facts,
    )


def _add_linked(api: Api, lists: dict[str, Found[PagingRule]], unclear: dict[str, str]) -> None:
    """Use the header `Link` for unclear lists if other lists do: few documents describe it everywhere."""
    linked = {
        list_position(api.operations[name]) for name, found in lists.items() if found.value.style == "link-header"
    }
    for name in [name for name in unclear if linked - {""}]:
        rule = infer_by_link_header(api.operations[name], linked - {""})
        if rule is not None:
            lists[name] = rule
            del unclear[name]


def to_provider_name(text: str) -> str:
    """Turn a string into the name of a provider: lower-case letters, digits and underscores, starting with a letter."""
    words = to_snake_case(text.encode("ascii", "ignore").decode()).split("_")
    useful = [word for word in words if word not in GENERIC_WORDS]
    name = "_".join((useful or words)[:MAX_NAME_WORDS])
    return name if name[:1].isalpha() else f"api_{name}".rstrip("_")


def _drop_invalid(inferred: Inferred, facts: DocumentFacts) -> Inferred:
    """Drop the rules that the checks of a profile refuse."""
    lists = dict(inferred.lists)
    unclear = dict(inferred.unclear)
    quota = inferred.quota
    while True:
        kept = inferred._replace(lists=lists, unclear=unclear, quota=quota)
        try:
            checks.check(kept.profile(), facts.api)
        except DescriptionError as error:
            section, *rest = error.path
            if section == "operations" and rest and rest[0] in lists:
                del lists[rest[0]]
                unclear[rest[0]] = error.expected
            elif section == "quota_headers":
                quota = quota._replace(headers=None)
            else:
                raise
        else:
            return kept


def _find_docs(document: Mapping[str, Any]) -> str:
    """The URL of the documentation."""
    info = as_mapping(document.get("info"))
    named = (as_mapping(document.get("externalDocs")).get("url"), as_mapping(info.get("contact")).get("url"))
    return next((text for text in map(as_text, named) if _ADDRESS.fullmatch(text)), "")
