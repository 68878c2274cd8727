# SPDX-License-Identifier: Apache-2.0
"""An operation is found by the provider's own name too, and a profile can give it another one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell import Client, Key
from callwell.description import catalog
from callwell.description.loading import load_provider
from callwell.errors import ProfileError, UnknownName

if TYPE_CHECKING:
    from pathlib import Path

PATHS: dict[str, Any] = {
    "/things": {
        "get": {
            "operationId": "listThings",
            "tags": ["Things"],
            "parameters": [
                {"name": "page", "in": "query", "schema": {"type": "integer"}},
                {"name": "page>", "in": "query", "schema": {"type": "integer"}},
            ],
            "responses": {
                "200": {
                    "content": {
                        "application/json": {
                            "schema": {"type": "object", "properties": {"data": {"type": "array", "items": {}}}}
                        }
                    }
                }
            },
        },
        "post": {"operationId": "twice", "responses": {}},
    },
    "/others": {
        "get": {"operationId": "twice", "responses": {}},
        "put": {"operationId": "bad", "requestBody": {"content": {}}, "responses": {}},
    },
}

PROFILE = """\
name = "t"
title = "T"
[environments.production]
base_url = "https://t.test"
[key]
env = "T_KEY"
"""


def write(folder: Path, more: str = "") -> Path:
    """A provider in a folder."""
    (folder / "openapi.json").write_text(json.dumps({"openapi": "3.0.0", "paths": PATHS}))
    (folder / "profile.toml").write_text(PROFILE + more)
    return folder


def test_the_operation_id_is_a_name(tmp_path: Path) -> None:
    """It leads to the same operation; one that is given twice leads to none."""
    provider = load_provider(write(tmp_path))
    assert list(provider.api.operations) == ["things.list", "things.twice", "others.twice"]
    assert provider.operation("listThings") is provider.operation("things.list")
    with pytest.raises(UnknownName, match=r"several operations have this operationId: things\.twice, others\.twice"):
        provider.operation("twice")
    with pytest.raises(UnknownName):
        provider.operation("")


def test_pages_by_the_operation_id(tmp_path: Path) -> None:
    """The rule of the operation holds, and its position goes where the query has it."""
    write(tmp_path, '[operations."things.list".paging]\nstyle = "page"\nitems = "data"\nposition = "page>"\n')
    with Client(tmp_path, key=Key("0" * 40)) as client:
        found = client._caller.find_operation("listThings")
        assert found.plan.operation == "things.list"
        assert found.rule.paging is not None
        assert found.rule.paging.position == "page_gt"
        assert client.pages("listThings", page=2, page_gt=3) is not None


def test_a_profile_renames(tmp_path: Path) -> None:
    """By the operationId or by the name of the rule; both go on to lead there."""
    more = '[names]\nlistThings = "shelf.all"\n"things.twice" = "things.make"\nbad = "others.replace"\n'
    provider = load_provider(write(tmp_path, more))
    assert list(provider.api.operations) == ["shelf.all", "things.make", "others.twice"]
    assert provider.operation("listThings").name == "shelf.all"
    assert [item.operation for item in provider.api.left_out] == ["others.replace"]


def test_two_exchange_their_names(tmp_path: Path) -> None:
    """What counts is the name before all renaming."""
    more = '[names]\n"things.list" = "things.twice"\n"things.twice" = "things.list"\n'
    provider = load_provider(write(tmp_path, more))
    assert provider.operation("things.list").method == "POST"
    assert provider.operation("listThings").name == "things.twice"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ('twice = "a.b"', "expected one of things.twice, others.twice, which share this operationId"),
        ('listThings = "all"', "expected a group and a method, such as things.list, found 'all'"),
        ('listThings = "things.All"', "expected a group and a method"),
        ('listThings = "things.twice"', "expected a new name, found 'things.twice' for two operations"),
        ("listThings = 3", "expected a string"),
    ],
)
def test_wrong_names(tmp_path: Path, names: str, expected: str) -> None:
    """The error names file, line and key."""
    with pytest.raises(ProfileError) as caught:
        load_provider(write(tmp_path, f"[names]\n{names}\n"))
    assert expected in caught.value.expected
    assert caught.value.file.endswith("profile.toml")
    assert caught.value.line in {7, 8}


def test_a_rule_for_what_is_left_out(tmp_path: Path) -> None:
    """It is ignored, and the reason says why the operation is not there."""
    [ignored] = load_provider(write(tmp_path, '[operations."others.bad"]\nquotas = []\n')).ignored
    assert "profile.toml:7: " in ignored
    assert "left out: paths" in ignored


STALE: Final = """
[names]
goneThings = "gone.things"

[operations."gone.list"]
quotas = []

[operations."gone.picture"]
like = "gone.list"

[operations."gone.picture".asset]
url = "url"
name = "x"

[export]
items = "gone.list"
item_parameter = "id"
detail = "gone.get"
"""


def test_what_is_said_about_operations_that_are_gone_is_ignored(tmp_path: Path) -> None:
    """The rest works; each part that is ignored is named with its line, and whoever loads it is warned."""
    folder = write(tmp_path, STALE)
    with pytest.warns(UserWarning, match="expected the name of an operation") as warned:
        provider = catalog.load(folder)
    assert provider.operation("things.list").method == "GET"
    lines = sorted(int(text.removeprefix(f"{folder}/profile.toml:").partition(":")[0]) for text in provider.ignored)
    assert lines == [9, 11, 15, 22]
    assert [str(item.message) for item in warned] == list(provider.ignored)
    assert all(text.endswith("this part is ignored") for text in provider.ignored)


def test_tokens_need_their_operations(tmp_path: Path) -> None:
    """A profile that cannot get a token without an operation cannot do without it."""
    token = "".join(f'{key} = "gone.a"\n' for key in ("issue", "key", "renew", "refresh"))
    places = "".join(f'{key} = "a"\n' for key in ("access_at", "refresh_at", "expires_at"))
    with pytest.raises(ProfileError, match="expected the name of an operation"):
        load_provider(write(tmp_path, f"[key.token]\n{token}{places}"))


@pytest.mark.parametrize(("kind", "first"), [("integer", 0), ("string", "0")])
def test_a_list_begins_with_its_first_page(tmp_path: Path, kind: str, first: object) -> None:
    """The number of the page need not be given where the document requires it."""
    folder = write(tmp_path, '[operations."things.list".paging]\nitems = "data"\nfirst = 0\n')
    document = json.loads((folder / "openapi.json").read_text())
    document["paths"]["/things"]["get"]["parameters"][0] |= {"required": True, "schema": {"type": kind}}
    (folder / "openapi.json").write_text(json.dumps(document))
    [page, _] = load_provider(folder).operation("things.list").parameters
    assert (page.name, page.required, page.default) == ("page", False, first)
