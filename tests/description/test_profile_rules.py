# SPDX-License-Identifier: Apache-2.0
"""What a profile says about environments, tokens, markers, uploads and derived operations, and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from callwell import providers
from callwell.description import openapi, profile
from callwell.description.loading import load_provider
from callwell.errors import ProfileError

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = providers.FOLDER / "apivideo"
TEXT: Final = (FOLDER / "profile.toml").read_text(encoding="utf-8")
API: Final = openapi.read(FOLDER / "openapi.json")
GONE: Final = '"videos.status"]\ngone_if = "'


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        ("{ reads = 100,", "{ read = 100,", "environments.sandbox.limits.read", "expected reads, found 'read'"),
        ("{ reads = 100,", "{ reads = 0,", "environments.sandbox.limits.reads", "more than 0, found 0"),
        ('"APIVIDEO_SANDBOX_API_KEY"', '"A-KEY"', "environments.sandbox.env", "the name of an environment variable"),
        ("cut_s = 30", 'cut_s = "30"', "environments.sandbox.sandbox.cut_s", "expected a number, found '30'"),
        ('methods = ["GET"]', 'methods = ["get"]', "quotas.reads.methods", "expected GET, HEAD"),
        ('limit = "x-ratelimit-limit"', 'limit = "x limit"', "quota_headers.limit", "the name of a header"),
        ('remaining = "x-ratelimit-remaining"\n', "", "quota_headers.remaining", "expected this key, found none"),
        ('code_is = "url"', 'code_is = "slug"', "errors.code_is", "one of text, url"),
        ('issue = "auth.authenticate"', 'issue = "auth.get"', "key.token.issue", "the name of an operation"),
        ('issue = "auth.authenticate"', 'issue = "webhooks.create"', "key.token.issue", "called without the key"),
        ('key = "api_key"', 'key = "apiKey"', "key.token.key", "an argument of type string (api_key)"),
        ('expires_at = "expires_in"', 'expires_at = "access_token"', "key.token.expires_at", "of type integer"),
        ('parameter = "metadata"', 'parameter = "title"', "marker.parameter", "an argument of type array"),
        ('value = "value"', 'value = "worth"', "marker.value", "a field of an entry, found 'worth'"),
        ('probe = "videos.list"', 'probe = "videos.get"', "marker.probe", "a list with paging"),
        ('filter = "metadata"', 'filter = "tags"', "marker.filter", "an argument of type object"),
        ('create = "videos.create"', 'create = "videos.make"', "upload.create", "the name of an operation"),
        ('like = "captions.get"', 'like = "captions.gt"', '"captions.file".like', "perhaps captions.get"),
        ('"captions.file"]\nlike', '"captions.upload"]\nlike', '"captions.upload".like', "expected a new name"),
        (
            f'{GONE}discarded_videos.get"',
            f'{GONE}discarded_videos.got"',
            '"videos.status".gone_if',
            "perhaps discarded_videos.get",
        ),
        (
            f'{GONE}discarded_videos.get"',
            f'{GONE}discarded_videos.list"',
            '"videos.status".gone_if',
            "a GET with an argument",
        ),
        (
            f'{GONE}discarded_videos.get"',
            f'{GONE}discarded_videos.update"',
            '"videos.status".gone_if',
            "a GET with an argument",
        ),
        (f'{GONE}discarded_videos.get"', f'{GONE}videos.delete"', '"videos.status".gone_if', "a GET with an argument"),
        (f'{GONE}discarded_videos.get"', f'{GONE}captions.get"', '"videos.status".gone_if', "which needs language"),
        ('page = "https://dash', 'page = "dash', "key.page", "the address of a page"),
        ('checks = ["keys.unused"]', 'checks = ["Unused keys"]', "unneeded-keys.checks", "such as keys.unused"),
        ('method = "download"', 'method = "get"', "asset.method", "the name of a new method"),
        ('method = "download"', 'method = "Save it"', "asset.method", "the name of a new method"),
        ('"captions.file"]\nlike', '"captionsFile"]\nlike', "operations.captionsFile", "a group and a method"),
    ],
)
def test_errors(old: str, new: str, key: str, expected: str) -> None:
    """An error has the key, what was expected and what was found."""
    assert TEXT.count(old) == 1
    with pytest.raises(ProfileError) as caught:
        profile.parse(TEXT.replace(old, new), API)
    assert caught.value.key.endswith(key)
    assert expected in caught.value.expected
    assert caught.value.line


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        ('form = "map"', 'form = "maps"', "marker.form", "one of entries, map"),
        ('form = "map"', 'form = "entries"', "marker.parameter", "an argument of type array"),
        ('parameter = "link_meta"', 'parameter = "domain_id"', "marker.parameter", "an argument of type object"),
        ('sort_direction = "desc"', 'direction = "desc"', "marker.arguments.direction", "of links.list"),
        ("shared = { workspace_id", "shared = { workspaces", "marker.shared.workspaces", "an argument of links.list"),
        ('"workspace_id", domain_id', '"workspaces", domain_id', "marker.shared.workspace_id", "of links.create"),
        ('shared = { workspace_id = "workspace_id", ', "shared = { ", "marker.shared", "which links.list needs"),
        ('result = "data.link"', 'result = "data.links"', "marker.result", "a value of type object in the response"),
        (
            '"data.workspaceId" = "workspace_id"',
            '"data.workspaceId" = "x"',
            'marker.echoed."data.workspaceId"',
            "create",
        ),
    ],
)
def test_errors_of_markers_in_maps(old: str, new: str, key: str, expected: str) -> None:
    """The list that finds an object gets what it takes and needs, and the response is made from what there is."""
    folder = providers.FOLDER / "userplane"
    text = (folder / "profile.toml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    with pytest.raises(ProfileError) as caught:
        profile.parse(text.replace(old, new), openapi.read(folder / "openapi.json"))
    assert caught.value.key.endswith(key)
    assert expected in caught.value.expected


@pytest.mark.parametrize(
    ("old", "new", "key", "expected"),
    [
        ('range = "content_range"', 'range = "content-range"', "upload.range", "an argument of type string"),
        (
            'range_format = "part {piece}/{pieces}"',
            'range_format = "part {piece}"',
            "upload.range_format",
            "{piece} and {pieces}",
        ),
        (
            'range_format = "part {piece}/{pieces}"',
            'range_format = "part {"',
            "upload.range_format",
            "{piece} and {pieces}",
        ),
        ("min_piece = 5_242_880", "min_piece = 0", "upload.min_piece", "1 to 209715200"),
        ("max_pieces = 10_000", "max_pieces = 0", "upload.max_pieces", "more than 0"),
        ('id = "videoId"', 'id = "id"', "upload.id", "the path of a value of type string"),
        ('status = "videos.status"', 'status = "videos.state"', "upload.status", "perhaps videos.status"),
        ('received = "ingest.receivedParts.parts"', 'received = "ingest.parts"', "upload.received", "of type array"),
        ('total = "ingest.receivedParts.total"', 'total = "ingest.receivedParts"', "upload.total", "of type integer"),
        ('get = "videos.get"', 'get = "videos.got"', "upload.get", "perhaps videos.get"),
        ('at = "encoding.playable"', 'at = "encoding.plays"', "until.playable.at", "of type boolean"),
    ],
)
def test_errors_of_uploads(old: str, new: str, key: str, expected: str) -> None:
    """The first of two uploads is checked as strictly."""
    assert TEXT.count(old) == 2
    with pytest.raises(ProfileError) as caught:
        profile.parse(TEXT.replace(old, new, 1), API)
    assert caught.value.key.endswith(key)
    assert expected in caught.value.expected


def test_a_derived_operation() -> None:
    """It has the request of another one and a name and a summary of its own, and is found like any other."""
    provider = providers.load("apivideo")
    file = provider.operation("captions.file")
    like = provider.operation("captions.get")
    assert (file.method, file.path, file.parameters) == (like.method, like.path, like.parameters)
    assert (file.name, file.summary) == ("captions.file", "The WebVTT file of a video's captions in one language")


def test_an_environment_changes_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    """It has limits and a key variable of its own; a provider in an environment without any stays the same record."""
    for name in ("openapi.json", "profile.toml"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    provider = load_provider(tmp_path)
    sandbox = provider.in_environment("sandbox")
    assert {name: quota.limit for name, quota in sandbox.profile.quotas.items()} == {
        "reads": 100,
        "writes": 40,
        "uploads": 40,
    }
    assert sandbox.profile.key.env == "APIVIDEO_SANDBOX_API_KEY"
    assert (sandbox.profile.errors, sandbox.api) == (provider.profile.errors, provider.api)
    assert provider.in_environment("production") is provider
