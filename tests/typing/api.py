# SPDX-License-Identifier: Apache-2.0
"""How the typed clients are used. This file is type-checked, and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, assert_type

from callwell.client import NOT_GIVEN, Asset, AsyncAsset, AsyncPager, Pager
from callwell.providers.typed import AsyncClient, AsyncDynamicClient, Client, DynamicClient
from callwell.providers.userplane import client as shapes
from callwell.providers.userplane.client import AsyncUserplane, Code, Userplane

if TYPE_CHECKING:
    from pathlib import Path


def sync_side() -> None:
    """The provider's name tells the class, and each method its types."""
    with Client("userplane", key="env:SOME_KEY", deadline_s=5.0, priority="batch") as api:
        assert_type(api, Userplane)
        assert_type(api.me.get(), shapes.MeGet)
        assert_type(api.me.get()["user"]["image"], str | None)
        assert_type(
            api.recordings.list(workspace_id="w", project_id=["p"], sort_by="created_at", page=2),
            Pager[shapes.RecordingItem],
        )
        for recording in api.recordings.list(workspace_id="w", per_page=20):
            assert_type(recording["recordingDurationMs"], int | None)
        assert_type(api.recordings.video(workspace_id="w", recording_id="r"), Asset)
        link = api.links.create(workspace_id="w", domain_id="d", link_meta={"source": "x"})["link"]
        assert_type(link["linkURL"], str)
        assert_type(link["linkType"], Literal["file", "recording", "session", "screenshot"])
        api.links.update(workspace_id="w", link_id="l", link_provider_type=link["linkProviderType"], link_meta=None)
        api.links.update(workspace_id="w", link_id="l", link_meta=NOT_GIVEN)
        assert_type(api.search.search(workspace_id="w", q="x", type="links")["type"], shapes.SearchType)
        assert_type(api.with_options(deadline_s=None), Userplane)


async def async_side() -> None:
    """The same, with `await` where something is sent."""
    async with AsyncClient("userplane") as api:
        assert_type(api, AsyncUserplane)
        assert_type(await api.workspaces.get(workspace_id="w"), shapes.WorkspacesGet)
        pages = api.members.list(workspace_id="w")
        assert_type(pages, AsyncPager[shapes.Member])
        async for member in pages:
            assert_type(member["memberName"], str)
        assert_type(api.recordings.console_log(workspace_id="w", recording_id="r"), AsyncAsset)


def described_at_run_time(folder: Path) -> None:
    """Of a provider that is described in a folder, nothing is known but that it may have anything."""
    client = Client(folder, base_url="https://host.test/v1")
    assert_type(client, DynamicClient)
    assert_type(client.things.get(), Any)
    assert_type(AsyncClient("folder"), AsyncDynamicClient)


def any_client(client: Client) -> None:
    """Each provider's client is a client."""
    client.call("me.get")


any_client(Client("userplane"))
assert_type(Code("LINK_GONE"), Code)
code: str = Code.LINK_GONE
