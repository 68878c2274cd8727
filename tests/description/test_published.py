# SPDX-License-Identifier: Apache-2.0
"""Documents as their providers publish them load unedited. They are not part of the project: without them it skips."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from callwell.core import paging
from callwell.core.verdict import End
from callwell.description import profile
from callwell.description.infer.inference import infer
from callwell.description.infer.profile_text import write_profile
from callwell.description.intake.document import read_intake
from callwell.description.operation_names import is_operation_name
from tests.description.list_server import PAGES, make_page
from tests.structure import tree

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.core.rules.operations import PagingRule

ITEMS: Final = 6
FOLDER: Final = tree.ROOT.parent / "shared" / "openapi"


class Published(NamedTuple):
    """What is known about a document.

    Attributes:
        file: its name.
        total: its operations.
        paged: how many of its lists are read page by page without a word from a person, at least.
        names: some of their names.
    """

    file: str
    total: int
    paged: int
    names: tuple[str, ...]


DOCUMENTS: Final = (
    Published("box.json", 296, 53, ("files.get", "files.list_comments")),
    Published("digitalocean.json", 290, 40, ("apps.create", "droplets.list")),
    Published("discord.json", 242, 15, ("channels.list_messages", "channels.delete")),
    Published("github.json", 1223, 274, ("repos.list_for_user", "issues.create")),
    Published("kubernetes.json", 845, 95, ("core_v1.list_namespaced_pod",)),
    Published("openai.json", 288, 62, ("chat.create_completion", "batch.create")),
    Published("petstore.yaml", 19, 0, ("pet.get_by_id", "pet.find_by_status")),
    Published("resend.json", 104, 24, ("emails.send", "domains.list")),
    Published("slack.json", 174, 12, ("chat.post_message", "users.list")),
    Published("spotify.yaml", 96, 20, ("albums.get", "shows.get")),
    Published("stripe.yaml", 460, 107, ("charges.create", "charges.list")),
    Published("twilio.json", 197, 61, ("messages.list", "messages.create")),
    Published("xero.yaml", 235, 12, ("accounting.get_invoices",)),
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.file)
def test_it_loads(tmp_path: Path, document: Published) -> None:
    """Every operation is a method."""
    packed = FOLDER / f"{document.file}.gz"
    if not packed.exists():
        pytest.skip("the published documents are not here")
    file = tmp_path / document.file
    file.write_bytes(gzip.decompress(packed.read_bytes()))
    facts = read_intake(file.read_bytes(), file).facts
    api = facts.api
    names = list(api.operations)
    assert api.left_out == ()
    assert len(names) == document.total
    assert all(map(is_operation_name, (name.rstrip("_").replace("_.", ".") for name in names)))
    assert set(document.names) <= set(names)
    inferred = infer(facts, "published")
    assert profile.parse(write_profile(inferred), api).environments
    assert len(inferred.lists) >= document.paged
    assert [name for name, found in inferred.lists.items() if walk(found.value) != list(range(ITEMS))] == []


def walk(rule: PagingRule) -> list[int]:
    """The items of a list in the shape of a rule, read page by page."""
    state = paging.start_walk(rule)
    seen = set[int]()
    got: list[int] = []
    for _ in range(2 * PAGES):
        body, link = page_of(rule, state.position)
        page = paging.parse_page(rule, state.position, body, link)
        step = paging.advance(rule, state, page, ITEMS // PAGES, seen)
        seen.update(page.digests)
        state = step.walk
        got += [item["number"] for item in step.items]
        if step.verdict is not None:
            assert step.verdict.end is End.COMPLETE
            return got
    raise AssertionError("the walk never ends")


def page_of(rule: PagingRule, position: int | str | None) -> tuple[Any, str | None]:
    """A page as the provider would send it, and the target of its header `Link`."""
    size = ITEMS // PAGES
    if rule.style in ("page", "offset"):
        index = (int(position or 0) - rule.first) // (1 if rule.style == "page" else size)
    else:
        index = 0 if position is None else int(str(position).rpartition("-")[2]) // size
    link = f"/after-{(index + 1) * size}" if index + 1 < PAGES else None
    return make_page(rule, index, size, "after-{}".format, link), link
