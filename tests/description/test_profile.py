# SPDX-License-Identifier: Apache-2.0
"""Profiles are read into rule records; a broken one is refused with file, line and key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from callwell import providers
from callwell.core.rules.operations import PagingRule
from callwell.core.rules.profile import CodeRule
from callwell.description import openapi, profile
from callwell.errors import ProfileError
from tests.description.tiny import OPENAPI, PROFILE, write

if TYPE_CHECKING:
    from pathlib import Path

TINY = openapi.read(OPENAPI)
API = providers.load("userplane").api

WHOLE: Final = """\
name = "whole"
title = "Whole"
result = "data"

[environments]
production = { base_url = "https://host.test/v1" }

[key]
env = "WHOLE_KEY"
pattern = 'w_\\S+'
canary = "me.get"

[quotas.minute]
limit = 10
window_s = 60

[retry]
attempts = 3

[errors]
code = ["error"]

[errors.codes]
DOWN = { status = 503, not_done = true }

[operations."workspaces.list".paging]
items = "data.workspaces"
key = "workspaceId"
size = "per_page"
max_size = 20
more = "data.pagination.hasMore"

[operations."recordings.list"]
quotas = ["minute"]
signed = { recordingThumbnail = "recordings.thumbnail" }
paging = { items = "data.recordings", key = "recordingId", total = "data.pagination.total" }

[operations."recordings.thumbnail".asset]
url = "data.resource.url"
size = "data.resource.size"
name = "{recording_id}.webp"

[export]
scopes = "workspaces.list"
scope_parameter = "workspace_id"
items = "recordings.list"
item_parameter = "recording_id"
detail = "recordings.get"
record = "data.recording"
assets = ["recordings.thumbnail"]
"""


def test_a_profile_becomes_records() -> None:
    """Values have the types of the fields: tuples, floats, defaults."""
    read = profile.parse(WHOLE, API)
    assert read.quotas["minute"].window_s == 60.0
    assert isinstance(read.quotas["minute"].window_s, float)
    assert read.errors.code == ("error",)
    assert read.errors.codes == {"DOWN": CodeRule(status=503, not_done=True)}
    assert read.operations["recordings.list"].paging == PagingRule(
        items="data.recordings", key="recordingId", total="data.pagination.total"
    )
    assert read.export
    assert read.export.assets == ("recordings.thumbnail",)
    assert (read.retry.attempts, read.retry.throttles) == (3, 20)
    assert profile.parse(PROFILE, TINY).operations["things.list"].paging


PLAIN: Final = [
    # old text, new text, line, key, expected
    ('name = "whole"', "name = 3", 1, "name", "expected a string, found 3"),
    ('name = "whole"', 'name = "Whole One"', 1, "name", "lower-case letters"),
    ('title = "Whole"\n', "", 1, "title", "expected this key, found none"),
    ('title = "Whole"', 'titel = "Whole"', 2, "titel", "expected title, found an unknown key"),
    ("[key]", "[[key]]", 8, "key", "expected a table, found [{"),
    ('env = "WHOLE_KEY"\n', "", 8, "key.env", "expected this key, found none"),
    ('env = "WHOLE_KEY"', 'env = "WHOLE-KEY"', 9, "key.env", "the name of an environment variable"),
    (
        'env = "WHOLE_KEY"',
        'env = "K"\nscheme = "digest"',
        10,
        "key.scheme",
        "one of bearer, basic, header, none, found 'digest'",
    ),
    ('env = "WHOLE_KEY"', 'env = "K"\nheader = "a b"', 10, "key.header", "the name of a header"),
    (r"'w_\S+'", "'w_('", 10, "key.pattern", "a regular expression"),
    ('"me.get"', '"me.gut"', 11, "key.canary", "perhaps me.get"),
    ('"me.get"', '"links.create"', 11, "key.canary", "a safe operation, found 'links.create', a POST"),
    ('"me.get"', '"workspaces.get"', 11, "key.canary", "'workspaces.get' with workspace_id"),
    ('"https://host.test/v1"', '"host.test/v1"', 6, "environments.production.base_url", "found 'host.test/v1'"),
    ('"https://host.test/v1"', '"ftp://host.test"', 6, "environments.production.base_url", "https://host/path"),
    ('"https://host.test/v1"', '"https://a:b@host.test"', 6, "environments.production.base_url", "https://host/path"),
    ('"https://host.test/v1"', '"https://[host"', 6, "environments.production.base_url", "https://host/path"),
    ('test/v1"', 'test", key_header = "a b"', 6, "environments.production.key_header", "the name of a header"),
    ('test/v1"', 'test", headers = { a = "é" }', 6, "environments.production.headers.a", "printable ASCII"),
    ('test/v1"', 'test", headers = { "a b" = "x" }', 6, 'production.headers."a b"', "the name of a header"),
    ('test/v1"', 'test", operations = ["me.gut"]', 6, "environments.production.operations", "perhaps me.get"),
    ("[key]", '[end_user]\nheader = "a b"\n[key]', 9, "end_user.header", "the name of a header"),
    ("production = { base", "two = { base_url = 'http://x' }\nproduction = { base", 5, "environments", "found 0"),
    ('production = { base_url = "https://host.test/v1" }', "", 5, "environments", "at least one environment"),
    ("limit = 10", 'limit = "10"', 14, "quotas.minute.limit", "expected a whole number, found '10'"),
    ("limit = 10", "limit = true", 14, "quotas.minute.limit", "expected a whole number, found True"),
    ("limit = 10", "limit = 0", 14, "quotas.minute.limit", "more than 0, found 0"),
    ("window_s = 60", "window_s = -1.5", 15, "quotas.minute.window_s", "more than 0, found -1.5"),
    ("window_s = 60", "window_s = nan", 15, "quotas.minute.window_s", "more than 0, found nan"),
    ("window_s = 60", "window_s = 60\nburst = 0", 16, "quotas.minute.burst", "more than 0, found 0"),
    ("attempts = 3", "attempts = 0", 18, "retry.attempts", "more than 0"),
    ("attempts = 3", "throttles = -1", 18, "retry.throttles", "0 or more"),
    ("attempts = 3", "lost_attempts = 0", 18, "retry.lost_attempts", "more than 0"),
    ("attempts = 3", "retries = 3", 18, "retry.retries", "an unknown key"),
    ('code = ["error"]', 'code = "error"', 21, "errors.code", "expected a list of strings, found 'error'"),
    ('code = ["error"]', "code = [1]", 21, "errors.code", "expected a list of strings, found [1]"),
    ("status = 503", "status = 200", 24, "errors.codes.DOWN.status", "from 400 to 599, found 200"),
    ("status = 503", "status = 429", 24, "errors.codes.DOWN.not_done", "expected this for a 5xx only"),
    ("not_done = true", "not_dead = true", 24, "errors.codes.DOWN.not_dead", "expected not_done"),
    ("status = 503, ", "", 24, "errors.codes.DOWN.status", "expected this key, found none"),
]

OPERATIONS: Final = [
    ('"workspaces.list".', '"workspace.list".', 26, 'operations."workspace.list"', "perhaps workspaces.list"),
    ('"data.workspaces"', '"data.spaces"', 27, "paging.items", "the path of a list in the response"),
    ('"data.workspaces"', '"data.pagination"', 27, "paging.items", "the path of a list in the response"),
    ('key = "workspaceId"', 'key = "id"', 28, "paging.key", "a field of the items, found 'id'"),
    ('size = "per_page"', 'size = "size"', 29, "paging.size", "a query parameter"),
    ('size = "per_page"\n', "", 26, "paging.size", "expected this key beside max_size"),
    ("max_size = 20", "max_size = 21", 30, "paging.max_size", "expected 1 to 20, found 21"),
    (
        "max_size = 20",
        'position = "pages"',
        30,
        "paging.position",
        "a query parameter (page or per_page), found 'pages'",
    ),
    ("max_size = 20", 'style = "cursor"', 26, "paging.next", "for the style cursor, found none"),
    ('"data.pagination.hasMore"', '"data.pagination.total"', 31, "paging.more", "a value of type boolean"),
    ('"data.pagination.hasMore"', '"data.more"', 31, "paging.more", "found 'data.more'"),
    ('"workspaces.list".paging', '"links.create".paging', 26, "paging", "expected this for a GET only, found a POST"),
    ('["minute"]', '["hour"]', 34, "quotas", "expected minute, found 'hour'"),
    ("recordingThumbnail =", "thumbnail =", 35, "signed.thumbnail", "a field of the items, found 'thumbnail'"),
    ('= "recordings.thumbnail" }', '= "me.get" }', 35, "signed.recordingThumbnail", "an operation with an asset"),
    ("paging = { ", "# ", 35, "signed", "expected this for a list with paging only"),
    ('total = "data', 'total = "date', 36, "paging.total", "a value of type integer in the response"),
    ('"data.resource.url"', '"data.resource.size"', 39, "asset.url", "a value of type string"),
    (
        "{recording_id}.webp",
        "{id}.webp",
        41,
        "asset.name",
        "expected one of workspace_id, recording_id in braces, found 'id'",
    ),
    ("{recording_id}.webp", "{recording_id", 41, "asset.name", "expected a name with {parameters}"),
    ("{recording_id}.webp", "../x", 41, "asset.name", "a path inside the export's folder"),
    ("{recording_id}.webp", "/x", 41, "asset.name", "a path inside the export's folder"),
    (
        'scopes = "workspaces.list"',
        'scopes = "projects.list"',
        44,
        "export.scopes",
        "a list that has a key in its paging",
    ),
    ('scopes = "workspaces.list"', 'scopes = "spaces.list"', 44, "export.scopes", "perhaps workspaces.list"),
    ('"workspace_id"', '"workspace"', 46, "export.items", "that needs workspace, found 'recordings.list'"),
    ('"recording_id"', '"recording"', 48, "export.detail", "which needs recording_id, workspace_id"),
    ('"data.recording"', '"data.record"', 49, "export.record", "a value of type object"),
    ('assets = ["recordings.thumbnail"]', 'assets = ["recordings.video"]', 50, "export.assets", "with an asset"),
]


@pytest.mark.parametrize("case", PLAIN + OPERATIONS, ids=lambda case: f"{case[3]}: {case[1]}")
def test_errors(tmp_path: Path, case: tuple[str, str, int, str, str]) -> None:
    """An error has the file, the line, the key, what was expected and what was found."""
    old, new, line, key, expected = case
    assert WHOLE.count(old) == 1
    file = tmp_path / "profile.toml"
    with pytest.raises(ProfileError) as caught:
        profile.parse(WHOLE.replace(old, new), API, file=str(file))
    error = caught.value
    assert (error.file, error.line) == (str(file), line)
    assert error.key.endswith(key)
    assert expected in error.expected
    assert str(error) == f"{file}:{line}: {error.key}: {error.expected}"


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = ?\n", 2), ("a = 1\na = 2\n", 2), ('a = 1\n[x]\nb = "', 3), ("[a]\n[a]\n", 2)]
)
def test_what_is_no_toml(text: str, line: int) -> None:
    """A syntax error has its line."""
    with pytest.raises(ProfileError, match="expected TOML, found an error") as caught:
        profile.parse(text, API)
    assert caught.value.line == line


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is missing or is not text is named."""
    file = tmp_path / "profile.toml"
    with pytest.raises(ProfileError, match="expected a file of UTF-8 text, found No such file"):
        profile.load(file, API)
    file.write_bytes(b"\xff")
    with pytest.raises(ProfileError, match="expected a file of UTF-8 text, found other bytes"):
        profile.load(file, API)


def test_the_operations_are_those_beside_the_file(tmp_path: Path) -> None:
    """Without operations, the `openapi.json` in the same folder is read."""
    assert profile.load(write(tmp_path / "tiny") / "profile.toml").profile.name == "tiny"
