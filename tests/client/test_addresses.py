# SPDX-License-Identifier: Apache-2.0
"""Addresses in configuration: trimmed, checked, and refused without showing what is secret in them."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from callwell import Client, Key
from callwell.client import addresses
from callwell.core.addresses import mask_address
from callwell.errors import InvalidOption
from tests.client._async.scripted_client import connect
from tests.client.world import ScriptedProvider

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_program_in_a_drill_calls_the_emulator_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is emulated must not be called by accident; other providers are called as ever."""
    monkeypatch.setenv("CALLWELL_DRILL", "apivideo userplane")
    with pytest.raises(InvalidOption, match="the address of the emulator, because this program runs in a drill"):
        Client("userplane", key=Key("uspl_k"))
    Client("userplane", key=Key("uspl_k"), base_url="http://127.0.0.1:1").close()
    monkeypatch.setenv("CALLWELL_DRILL", "apivideo")
    Client("userplane", key=Key("uspl_k")).close()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://api.test", "https://api.test"),
        ("  https://api.test/v1/ \n", "https://api.test/v1"),
        ("https://api.test///", "https://api.test"),
        ("HTTPS://API.test/V1", "https://API.test/V1"),
        ("https://api.test:8443/v1", "https://api.test:8443/v1"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_addresses_are_trimmed(text: str, address: str) -> None:
    """What a person pastes with spaces, line breaks and slashes at its ends is the same address."""
    assert addresses.check_base_url(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.test",
        "//api.test",
        "ftp://api.test",
        "https://",
        "https:///v1",
        "https://api.test?x=1",
        "https://api.test/v1#part",
        "https://api.test:port",
        "https://api.test:99999",
        "https://api.test:0",
        "https://[::1",
        "https://api .test",
        "https://api.test/a b",
        "https://api.test\n.evil.test",
        "https://api.test\\@evil.test",
        "https://api.test/v1/../v2",
        "https://api.test/v1/%2e%2e/v2",
        '"https://api.test"',
        "'https://api.test'",
        "https://{host}/v1",
        "http://api.test",
        "http://127.0.0.1.evil.test",
    ],
)
def test_addresses_that_cannot_be_used(text: str) -> None:
    """No key goes to a place that is not sure."""
    with pytest.raises(InvalidOption, match=r"base_url cannot be .*: expected an (https )?address"):
        addresses.check_base_url(text)


@pytest.mark.parametrize("text", [5, b"https://api.test", ["https://api.test"]])
def test_what_is_no_text(text: object) -> None:
    """A value of another type is a mistake in the call, and no error of Python's."""
    with pytest.raises(InvalidOption, match="base_url"):
        addresses.check_base_url(text)


SECRETS = [
    "https://user:{}@api.test/v1",
    "https://{}@api.test/v1",
    "https://user:{}@api.test:port",
    "https://user:a/{}@api.test",
    "https://user:a#{}@api.test",
    "https://user:a?{}@api.test",
    "https://user:a@{}@api.test",
    "ftp://user:{}@api.test",
    "user:{}@api.test",
    "http://user:{}@api.test",
    "https://user:{}@[::1",
    "https://api.test/v1?token={}",
    "https://api.test/v1#{}",
    " https://user:{}@api.test ",
]


@pytest.mark.parametrize("form", SECRETS)
@pytest.mark.parametrize("use", [addresses.check_base_url, lambda text: connect(ScriptedProvider(), base_url=text)])
def test_a_refusal_shows_no_password(form: str, use: Callable[[str], object]) -> None:
    """Neither in the message nor in its cause, however the address is broken."""
    text = form.format("swordfish")
    assert "swordfish" not in mask_address(text)
    with pytest.raises(InvalidOption) as caught:
        use(text)
    assert "swordfish" not in str(caught.value)
    chain = traceback.TracebackException.from_exception(caught.value)
    trace = "".join(line for line in chain.format() if "raise" not in line)
    assert "swordfish" not in trace


def test_what_is_not_secret_is_shown() -> None:
    """A person must see which address is meant."""
    assert mask_address("https://api.test/v1") == "https://api.test/v1"
    assert mask_address("https://u:p@api.test/v1?a=1") == "https://…@api.test/v1?…"
    assert mask_address("u:p@host") == "…@host"
