# SPDX-License-Identifier: Apache-2.0
"""What a network is made of: proxies, who goes past them, and files of certificates; read before anything is sent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

import pytest

from callwell.errors import InvalidOption
from callwell.transport.proxies import read_proxies
from callwell.transport.trust import read_certificates
from certificates import Authority

if TYPE_CHECKING:
    from pathlib import Path

PROXY: Final = "http://proxy.test:3128"
URLS: Final = (
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "http://[::1]:8080/",
    "http://[fe80::1]/",
    "https://example.com/",
    "https://api.example.com:8443/",
    "https://badexample.com/",
    "https://EXAMPLE.com./x",
    "http://localhost:9/",
)


@pytest.mark.parametrize(
    ("entries", "straight"),
    [
        ("", ()),
        (" , ,", ()),
        ("*", range(9)),
        ("example.com,*", range(9)),
        ("127.0.0.1", (0, 1)),
        ("127.0.0.0/8", (0, 1)),
        ("127.0.0.1:8080", (1,)),
        ("127.0.0.1:80", (0,)),
        ("::1", (2,)),
        ("[::1]", (2,)),
        ("[::1]:8080", (2,)),
        ("[::1]:81", ()),
        ("fe80::/10", (3,)),
        ("example.com", (4, 5, 7)),
        (".example.com", (4, 5, 7)),
        ("*.example.com", (4, 5, 7)),
        ("EXAMPLE.COM.", (4, 5, 7)),
        ("example.com:8443", (5,)),
        ("example.com:443", (4, 7)),
        (" example.com , 127.0.0.1 ", (0, 1, 4, 5, 7)),
        ("example.com localhost", (4, 5, 7, 8)),
        ("ample.com", ()),
        ("127.0.0.1/33, 999.0.0.1, :80, [", ()),
    ],
)
def test_who_goes_past_a_proxy(entries: str, straight: tuple[int, ...]) -> None:
    """Every common form of `NO_PROXY`."""
    known = read_proxies("environment", {"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY, "NO_PROXY": entries})
    assert [known.address_for(url) is None for url in URLS] == [number in tuple(straight) for number in range(9)]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, (None, None)),
        ({"HTTP_PROXY": "proxy.test:3128"}, (PROXY, None)),
        ({"https_proxy": " http://proxy.test:3128 "}, (None, PROXY)),
        ({"ALL_PROXY": "socks5://proxy.test"}, ("socks5://proxy.test", "socks5://proxy.test")),
        ({"ALL_PROXY": "http://other.test", "HTTPS_PROXY": PROXY}, ("http://other.test", PROXY)),
        ({"http_proxy": PROXY, "HTTP_PROXY": "http://other.test"}, (PROXY, None)),
        ({"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, (None, None)),
        ({"HTTP_PROXY": " "}, (None, None)),
    ],
)
def test_the_variables_of_the_environment(environ: dict[str, str], expected: tuple[str | None, str | None]) -> None:
    """By scheme, small letters first; a CGI program does not take a proxy from who asks it."""
    known = read_proxies("environment", environ)
    assert (known.address_for("http://a.test/"), known.address_for("https://a.test/")) == expected


@pytest.mark.parametrize(
    "given", ["proxy.test:3128", f" {PROXY} ", "http://user:pass@proxy.test:3128", "socks5h://p:1"]
)
def test_an_address_of_a_proxy(given: str) -> None:
    """Without a scheme HTTP is meant; white space around it is nothing."""
    found = read_proxies(given).address_for("https://a.test/")
    assert found is not None
    assert found.endswith(given.strip())
    assert "://" in found


@pytest.mark.parametrize("given", [None, "", "  "])
def test_no_proxy_at_all(given: str | None) -> None:
    """Unless one is named, the environment's is not used."""
    assert read_proxies(given, {"HTTP_PROXY": PROXY}).address_for("http://a.test/") is None


@pytest.mark.parametrize("name", ["proxy", "HTTP_PROXY"])
@pytest.mark.parametrize(
    "given",
    [
        "http://user:sesame@",
        "ftp://user:sesame@h",
        "http://user:sesame@h:port",
        "user:sesame@h:99999",
        "http://user:se same@h",
        "http://user:sesame/@h",
        "http://user:sesame?x@h:1",
        "http://h/path",
        "://h",
        "http://",
        "http://h\nx",
    ],
)
def test_an_address_that_is_none(name: str, given: str) -> None:
    """The message names the option or the variable, and shows no password."""
    with pytest.raises(InvalidOption) as caught:
        read_proxies(given) if name == "proxy" else read_proxies("environment", {name: given})
    assert str(caught.value).startswith(f"{name} cannot be ")
    assert "same" not in str(caught.value)
    assert "http://proxy.example.com:3128" in str(caught.value)


@pytest.mark.parametrize("around", ["{}", "a comment\n{}\n", "{0}\n{0}", "\ufeff{}"])
def test_a_file_of_certificates(tmp_path: Path, around: str) -> None:
    """One or several, with comments around them."""
    authority = Authority(tmp_path)
    file = tmp_path / "some.pem"
    file.write_text(around.format(authority.file.read_text()))
    assert set(map(len, read_certificates(str(file)))) == {len(read_certificates(str(authority.file))[0])}


BEGIN: Final = "-----BEGIN CERTIFICATE-----\n"
END: Final = "\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"not a certificate\n", "it has no certificate"),
        (b"0\x82\x01\x0a" + bytes(60), "openssl x509 -inform der"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "private key"),
        (BEGIN.encode() + b"MIIB", "truncated"),
        (f"{BEGIN}!!!!{END}".encode(), "damaged"),
        (BEGIN.encode() + base64.b64encode(b"no sequence") + END.encode(), "damaged"),
        (BEGIN.encode() + base64.b64encode(b"0\x03\x02\x01\x05") + END.encode(), "damaged"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n", "something else"),
    ],
)
def test_a_file_without_a_certificate(tmp_path: Path, content: bytes, words: str) -> None:
    """The message says what the file is, and what to do."""
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    with pytest.raises(InvalidOption, match=words):
        read_certificates(str(file))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder, none at all, and a name that cannot be."""
    for path, words in ((tmp_path, "folder"), (tmp_path / "none", "No such file"), (tmp_path / "a\0b", "ca_file")):
        with pytest.raises(InvalidOption, match=words):
            read_certificates(str(path))
