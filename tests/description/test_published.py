# SPDX-License-Identifier: Apache-2.0
"""Documents as their providers publish them load unedited. They are no part of the project: without them it skips."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from callwell.description import openapi
from callwell.description.operation_names import is_operation_name
from tests.structure import tree

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = tree.ROOT.parent / "shared" / "openapi"


class Published(NamedTuple):
    """What is known about a document.

    Attributes:
        file: its name.
        total: its operations.
        names: some of their names.
    """

    file: str
    total: int
    names: tuple[str, ...]


DOCUMENTS: Final = (
    Published("box.json", 296, ("files.get", "files.list_comments")),
    Published("digitalocean.json", 290, ("apps.create", "droplets.list")),
    Published("discord.json", 242, ("channels.list_messages", "channels.delete")),
    Published("github.json", 1223, ("repos.list_for_user", "issues.create")),
    Published("kubernetes.json", 845, ("core_v1.list_namespaced_pod",)),
    Published("openai.json", 288, ("chat.create_completion", "batch.create")),
    Published("petstore.yaml", 19, ("pet.get_by_id", "pet.find_by_status")),
    Published("resend.json", 104, ("emails.send", "domains.list")),
    Published("slack.json", 174, ("chat.post_message", "users.list")),
    Published("spotify.yaml", 96, ("albums.get", "shows.get")),
    Published("stripe.yaml", 460, ("charges.create", "charges.list")),
    Published("twilio.json", 197, ("messages.list", "messages.create")),
    Published("xero.yaml", 235, ("accounting.get_invoices",)),
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.file)
def test_it_loads(tmp_path: Path, document: Published) -> None:
    """Every operation is a method."""
    packed = FOLDER / f"{document.file}.gz"
    if not packed.exists():
        pytest.skip("the published documents are not here")
    file = tmp_path / document.file
    file.write_bytes(gzip.decompress(packed.read_bytes()))
    api = openapi.read(file)
    names = list(api.operations)
    assert api.left_out == ()
    assert len(names) == document.total
    assert all(map(is_operation_name, (name.rstrip("_").replace("_.", ".") for name in names)))
    assert set(document.names) <= set(names)
