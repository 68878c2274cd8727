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
        callable: how many of them are methods, at least.
        names: some of their names.
    """

    file: str
    total: int
    callable: int
    names: tuple[str, ...]


DOCUMENTS: Final = (
    Published("box.json", 296, 169, ("files.get", "files.list_comments")),
    Published("digitalocean.json", 290, 255, ("apps.create", "droplets.list")),
    Published("discord.json", 242, 223, ("channels.list_messages", "channels.delete")),
    Published("github.json", 1223, 1148, ("repos.list_for_user", "issues.create")),
    Published("kubernetes.json", 845, 407, ("core_v1.list_namespaced_pod",)),
    Published("openai.json", 288, 264, ("chat.create_completion", "batch.create")),
    Published("petstore.yaml", 19, 14, ("pet.get_by_id", "pet.find_by_status")),
    Published("resend.json", 104, 75, ("emails.send", "domains.list")),
    Published("slack.json", 174, 83, ("chat.post_message", "users.list")),
    Published("spotify.yaml", 96, 75, ("albums.get", "shows.get")),
    Published("stripe.yaml", 460, 0, ("charges.create", "charges.list")),
    Published("twilio.json", 197, 135, ("messages.list", "messages.create")),
    Published("xero.yaml", 235, 187, ("accounting.get_invoices",)),
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.file)
def test_it_loads(tmp_path: Path, document: Published) -> None:
    """Every operation has a name, most are methods, and each of the others has a reason."""
    packed = FOLDER / f"{document.file}.gz"
    if not packed.exists():
        pytest.skip("the published documents are not here")
    file = tmp_path / document.file
    file.write_bytes(gzip.decompress(packed.read_bytes()))
    api = openapi.read(file)
    names = [*api.operations, *(one.operation for one in api.left_out)]
    assert len(names) == len(set(names)) == document.total
    assert all(map(is_operation_name, (name.rstrip("_").replace("_.", ".") for name in names)))
    assert len(api.operations) >= document.callable
    assert set(document.names) <= set(names)
    assert all(one.reason.startswith("paths.") or "components" in one.reason for one in api.left_out)
