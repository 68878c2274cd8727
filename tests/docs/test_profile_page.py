# SPDX-License-Identifier: Apache-2.0
"""The page about descriptions names every key, and its example works as shown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeGuard

import msgspec
import pytest

from callwell import Client, OutcomeUnknown, providers
from callwell.core.rules import assess, environments, export, media, operations, profile, webhooks
from callwell.errors import ProfileError
from callwell.transport.base import Request, Response
from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

PAGE = pages.DOCS / "profile.md"


def is_record(one: object) -> TypeGuard[type[msgspec.Struct]]:
    """Whether something in a module is a record."""
    return isinstance(one, type) and issubclass(one, msgspec.Struct) and one is not msgspec.Struct


ROOMS = (assess, environments, export, media, operations, profile, webhooks)
RECORDS: list[type[msgspec.Struct]] = list(
    dict.fromkeys(value for room in ROOMS for value in vars(room).values() if is_record(value))
)


class Scripted:
    """A transport that answers as the example's provider would, and records the requests."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def send(self, request: Request) -> Response:
        """Two pages of notes; creating one fails."""
        self.requests.append(request)
        if request.method == "POST":
            return Response(500, {}, b"")
        second = "cursor=c2" in request.url
        page = {"notes": [{"id": "n2" if second else "n1"}], "next": None if second else "c2"}
        return Response(200, {}, json.dumps(page).encode())

    def close(self) -> None:
        """Nothing to let go of."""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """The example of the page, as files."""
    folder = tmp_path / "notes"
    folder.mkdir()
    for language, name in (("json", "openapi.json"), ("toml", "profile.toml")):
        (block,) = pages.blocks(PAGE, language)
        (folder / name).write_text(block.text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_key_is_named(record: type[msgspec.Struct]) -> None:
    """Every field of every record is in the first cell of a row, or, for tables, in the head of one."""
    rows = re.findall(r"^\| ([^|]*) \|", pages.prose(PAGE), re.MULTILINE)
    documented = {
        name for row in rows for name in re.findall(r"`([a-z_0-9]+)`|[\[.]([a-z_]+)[\].]", row) for name in name if name
    }
    assert set(record.__struct_fields__) - documented == set()


def test_no_other_key_is_named() -> None:
    """The first cells of the rows name keys of records, and nothing else."""
    known = {name for record in RECORDS for name in record.__struct_fields__}
    rows = re.findall(r"^\| ((?:`[a-z_0-9]+`(?:, )?)+) \|", pages.prose(PAGE), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row)} - known == set()


def test_every_reserved_group_is_named() -> None:
    """What each client has itself hides a group of that name, so the page names all of it."""
    reserved = {name for name in dir(Client) if not name.startswith("_")} | {"config", "provider"}
    assert {name for name in reserved if f"`{name}`" not in pages.read(PAGE)} == set()


def test_the_example_loads(notes: Path) -> None:
    """The example is a valid description with the name that the page gives it."""
    provider = providers.load(notes)
    assert (provider.name, sorted(provider.api.operations)) == (
        "notes",
        ["notes.create", "notes.list", "notes.picture"],
    )


def test_the_example_is_called(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of the example walks its list with its key, and never repeats its unsafe operation blindly."""
    monkeypatch.setenv("NOTES_API_KEY", "a-key")
    transport = Scripted()
    with Client(notes, transport=transport) as client:  # type: ignore[call-overload] # sends, and streams nothing
        pager = client.notes.list()
        assert ([note["id"] for note in pager], str(pager.verdict.end)) == (["n1", "n2"], "complete")
        with pytest.raises(OutcomeUnknown):
            client.notes.create(text="x")
    assert [(request.method, dict(request.headers)["x-api-key"]) for request in transport.requests] == [
        ("GET", "a-key"),
        ("GET", "a-key"),
        ("POST", "a-key"),
    ]


BROKEN = [
    ("profile.toml", 'items = "notes"', 'itmes = "notes"'),
    ("profile.toml", '"https://api.notes.example/v1"', '"api"'),
    ("openapi.json", '"3.1.0"', '"2.0"'),
]


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_errors_are_as_shown(notes: Path, number: int) -> None:
    """Each error on the page is, to the letter, what breaking the example raises."""
    name, right, wrong = BROKEN[number]
    (shown,) = (block for block in pages.blocks(PAGE, "") if block.text.startswith("notes/profile.toml:"))
    file = notes / name
    file.write_text(file.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        providers.load(notes)
    assert str(caught.value).replace(str(notes), "notes") == shown.text.splitlines()[number]
