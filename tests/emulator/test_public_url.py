# SPDX-License-Identifier: Apache-2.0
"""Behind a proxy that ends TLS: every address that is given out is the proxy's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.errors import InvalidInput
from callwell.emulator.public_url import parse_public_url
from tests.emulator.apivideo.harness import JPEG, VTT, Site
from tests.emulator.harness import Emulated, fetch
from tests.emulator.sample_requests import resource_of

if TYPE_CHECKING:
    from collections.abc import Callable

BEHIND = "https://emulator.test/{port}"
OURS = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (None, "http://127.0.0.1:{port}"),
        ("https://emulator.test", "https://emulator.test:{port}"),
        (" https://emulator.test/ ", "https://emulator.test:{port}"),
        ("https://emulator.test:{port}", "https://emulator.test:{port}"),
        ("https://emulator.test/{port}/", BEHIND),
        ("https://{port}.emulator.test:8443/x", "https://{port}.emulator.test:8443/x"),
        ("http://[::1]:{port}", "http://[::1]:{port}"),
    ],
)
def test_forms(text: str | None, form: str) -> None:
    """A host stands for the same ports elsewhere; everything else says where the port goes."""
    assert parse_public_url(text) == form


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "emulator.test",
            "ftp://emulator.test",
            "https://",
            "https://emulator.test:8443",
            "https://emulator.test/x",
        ),
        *("https://emulator.test/{port}?a=b", "https://emulator.test:port", "https://[::1", "https://{Port}.test/x"),
    ],
)
def test_what_is_no_address(text: str) -> None:
    """One sentence with an example, before anything is served."""
    with pytest.raises(InvalidInput, match=re.escape("https://emulator.test/{port}")):
        parse_public_url(text)


def test_no_password_is_shown() -> None:
    """An address with a password is refused, and the refusal does not repeat it."""
    with pytest.raises(InvalidInput) as refused:
        parse_public_url("https://someone:open-sesame@emulator.test/{port}")
    assert "open-sesame" not in str(refused.value)


def local(emulated: Emulated, address: str) -> str:
    """Where the proxy would send an address."""
    assert address.startswith("https://emulator.test/")
    return "http://127.0.0.1:" + address.removeprefix("https://emulator.test/")


def test_signed_urls(emulate: Callable[..., Emulated]) -> None:
    """The storage's URLs are the proxy's, and are good for what they say."""
    emulated = emulate(public_url=BEHIND)
    base = emulated.endpoints.providers["userplane"]["production"].base_url
    assert re.fullmatch(r"https://emulator\.test/\d+/api/v1", base)
    near = Near(emulated)
    resource = resource_of(near)
    assert fetch(local(emulated, resource["url"])).status == 200
    assert not OURS.search(str(resource))


class Near(Emulated):
    """The same emulator, asked from this side of the proxy."""

    def __init__(self, behind: Emulated) -> None:
        self.options = behind.options
        self.endpoints = behind.endpoints

    @property
    def base(self) -> str:
        """The base URL on this machine."""
        return local(self, super().base)


def test_assets_links_and_pages(emulate: Callable[..., Emulated]) -> None:
    """No response of api.video names this machine."""
    settings = {"apivideo.absolute_links": "true"}
    emulated = emulate(provider=("apivideo",), settings=settings, public_url="https://emulator.test")
    site = Behind(emulated)
    video = site.video()
    site.upload_form(f"/videos/{video}/captions/en", VTT)
    site.upload_form(f"/videos/{video}/chapters/en", VTT)
    player = site.call("POST", "/players", {"name": "p"}).json["playerId"]
    site.upload_form(f"/players/{player}/logo", JPEG, link="https://example.test")
    site.call("POST", "/live-streams", {"name": "s"})
    paths = ["/videos", f"/videos/{video}", f"/videos/{video}/captions", f"/videos/{video}/chapters"]
    for path in [*paths, "/players", "/live-streams"]:
        answer = site.call("GET", path)
        assert answer.status == 200
        assert not OURS.search(answer.body.decode()), path
        assert f"https://emulator.test:{site.port}" in answer.body.decode(), path


class Behind(Site):
    """An environment asked from this side of the proxy."""

    @property
    def port(self) -> str:
        """Its port."""
        return super().base.rpartition(":")[2]

    @property
    def base(self) -> str:
        """Where it is on this machine."""
        return f"http://127.0.0.1:{self.port}"


def test_the_control_port_stays(emulate: Callable[..., Emulated]) -> None:
    """It answers to this machine alone, and its address says so."""
    emulated = emulate(public_url=BEHIND)
    assert emulated.endpoints.control.startswith("http://127.0.0.1:")
    assert emulated.control("/clock")["offset_s"] == 0
