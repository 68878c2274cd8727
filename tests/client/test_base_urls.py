# SPDX-License-Identifier: Apache-2.0
"""Addresses in configuration: trimmed, checked, and never shown with what may be secret in them."""

from __future__ import annotations

import pytest

from callwell.client.addresses import check_base_url
from callwell.errors import InvalidOption


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (" https://a.test/v1/ \n", "https://a.test/v1"),
        ("https://a.test//", "https://a.test"),
        ("\thttp://localhost:8/api", "http://localhost:8/api"),
        ("HTTPS://A.test", "https://A.test"),
    ],
)
def test_trimmed(text: str, meant: str) -> None:
    """Spaces around an address are never meant."""
    assert check_base_url(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *("", "a.test", "//a.test", "ftp://a.test", "https://", "https://[::1", "https://a.test:port"),
        *("https://a.test/v1?", "https://a.test/v1#", "https://a.test/v1?a=b", "https://a.test/v 1"),
        *("https://a.test/v1\nHost: b", "https://a.test\\b", "https://a.test/\x00", "http://a.test"),
    ],
)
def test_refused(text: str) -> None:
    """Anything to which no key can be sent, in one sentence that says what was expected."""
    with pytest.raises(InvalidOption, match=r"base_url cannot be .*: expected an (https )?address"):
        check_base_url(text)


@pytest.mark.parametrize(
    "text",
    [
        *("https://u:open-sesame@a.test", "https://open-sesame@a.test", "https://u:open-sesame@a.test:port/x"),
        *("ftp://u:open-sesame@a.test", "u:open-sesame@a.test", "https://u:x@open-sesame@a.test?x=1"),
        *("https://u:open-se/open-sesame@a.test", "https://a.test?key=open-sesame", "https://a.test#open-sesame"),
        *("http://u:open-sesame@127.0.0.1", " https://u:open-sesame@[::1 "),
    ],
)
def test_no_secret_is_repeated(text: str) -> None:
    """Neither what comes before the host nor what stands behind the path."""
    with pytest.raises(InvalidOption) as refused:
        check_base_url(text)
    assert "open-sesame" not in str(refused.value)
