# SPDX-License-Identifier: Apache-2.0
"""Reads an OpenAPI document from a file, standard input, or a URL."""

from __future__ import annotations

import html
import re
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from callwell.core.addresses import LOOPBACK_HOSTS, mask_address
from callwell.core.media_types import base_type
from callwell.core.outcome import REDIRECTS
from callwell.description.documents.reading import MAX_BYTES
from callwell.errors import ConnectFailed, UsageError
from callwell.version import VERSION

if TYPE_CHECKING:
    from callwell.transport.base import Response

STANDARD_INPUT: Final = "-"
MAX_REDIRECTS: Final = 10
"""Redirects from the address to the document: two are common; browsers give up after twenty."""

TIMEOUT_S: Final = 60.0
"""Seconds for each request: GitHub's document, 12 MiB, takes 2 s on a slow line of 50 Mbit/s."""

NEEDS_LOGIN: Final = frozenset({401, 403, 407})
OK: Final = 200
GZIP: Final = b"\x1f\x8b"
ACCEPT: Final = "application/json, application/yaml, text/yaml, text/plain, */*;q=0.5"
RAW_HINT: Final = "give the address of the document itself (on GitHub, the one behind the Raw button)"


DOCUMENT_ON_PAGE: Final = re.compile(
    r"""(?:\burl["']?\s*[:=]\s*|\b(?:spec-url|data-url|apiDescriptionUrl)\s*=\s*|\bRedoc\.init\(\s*)"""
    r"""["'](?P<url>(?!data:)[^"'\s]*(?:json|ya?ml|api-docs|openapi|swagger)[^"'\s]*)["']""",
    re.IGNORECASE,
)
"""How pages of Swagger UI, ReDoc, Scalar and Stoplight Elements name the document that they show."""


class SourceText(NamedTuple):
    """A document that was read and not parsed yet.

    Attributes:
        text: the document, unpacked.
        file: the file that it was read from; for an address or standard input, a name for errors.
        address: the address that it came from, without secrets; empty for a file.
    """

    text: bytes
    file: Path
    address: str = ""


def is_address(source: str) -> bool:
    """Whether a source is an address, and not a file."""
    return source.lower().startswith(("https://", "http://"))


def read_source(source: str, *, proxy: str | None = None, ca_file: str | None = None) -> SourceText:
    """The text of a document.

    Args:
        source: a file, `-` for standard input, or an https address; http is for this machine only.
        proxy: the proxy for addresses: its address, or `environment`.
        ca_file: certificates to trust besides the usual ones.

    Raises:
        UsageError: there is no document, or not one of at most 64 MiB.
        ConnectFailed: the address gave no response.
    """
    if is_address(source):
        return _fetch(source, proxy, ca_file)
    if source == STANDARD_INPUT:
        return SourceText(_unpack(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input"), Path("standard input"))
    file = Path(source)
    if file.is_dir():
        raise UsageError(f"{source} is a folder: name the OpenAPI document in it")
    try:
        with file.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}; name a file, an https address, or -") from error
    return SourceText(_unpack(text, source), file.with_suffix("") if text.startswith(GZIP) else file)


def _unpack(text: bytes, source: str) -> bytes:
    """The text of a document, without gzip. Refuses one that is too large, or empty."""
    if text.startswith(GZIP):
        decompressor = zlib.decompressobj(wbits=31)
        try:
            text = decompressor.decompress(text, MAX_BYTES + 1)
        except zlib.error as error:
            raise UsageError(f"{source} cannot be unpacked: {error}") from error
    if len(text) > MAX_BYTES:
        raise UsageError(f"{source} has more than {MAX_BYTES >> 20} MiB, the most that an OpenAPI document may have")
    if not text.strip():
        raise UsageError(f"{source} is empty: expected an OpenAPI document")
    return text


def _fetch(source: str, proxy: str | None, ca_file: str | None) -> SourceText:
    from callwell.transport.base import Network, NoReply, Request, RequestHeaders
    from callwell.transport.pyreqwest import PyreqwestTransport

    network = Network(proxy=proxy, ca_file=ca_file, user_agent=f"callwell/{VERSION}", max_answer_bytes=MAX_BYTES)
    transport = PyreqwestTransport(network)
    url = source
    try:
        for _ in range(MAX_REDIRECTS + 1):
            _check_address(url, source)
            headers = RequestHeaders((("accept", ACCEPT),))
            reply = transport.send(
                Request(method="GET", url=url, headers=headers, timeout_s=TIMEOUT_S, total_timeout_s=TIMEOUT_S)
            )
            if isinstance(reply, NoReply):
                problem = f"{mask_address(url)} gave no response: {reply.reason}"
                message = f"{problem}; check the address, or download the document"
                raise ConnectFailed(
                    message, provider="", operation="init", attempts=1, outcome="refused"
                ) from reply.cause
            location = reply.headers.get("location") if reply.status in REDIRECTS else None
            if location is None:
                text = _check_response(reply, mask_address(url))
                return SourceText(text, file=Path(_file_name(url)), address=_public_address(source))
            url = urljoin(url, location).partition("#")[0]
    finally:
        transport.close()
    raise UsageError(f"{mask_address(source)} redirects more than {MAX_REDIRECTS} times")


def _check_address(url: str, source: str) -> None:
    """Requests go by https, or stay on this machine."""
    try:
        parts = urlsplit(url)
        is_safe = bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)
        )
    except ValueError:
        is_safe = False
    if not is_safe:
        shown = mask_address(url)
        subject = shown if url == source else f"{mask_address(source)} redirects to {shown}, which"
        raise UsageError(f"{subject} is not read: expected an https address (http only on this machine)")


def _check_response(response: Response, shown: str) -> bytes:
    """The body of a response, if it is a whole document."""
    kind = base_type(response.headers.get("content-type", ""))
    status = response.status
    if response.too_large:
        raise UsageError(f"{shown} has more than {MAX_BYTES >> 20} MiB, the most that an OpenAPI document may have")
    if status in NEEDS_LOGIN:
        raise UsageError(
            f"{shown} answered with status {status}: it needs a login; download the document and name the file"
        )
    if status != OK:
        raise UsageError(f"{shown} answered with status {status}; {RAW_HINT}")
    if not response.whole:
        raise UsageError(f"{shown} answered, but not completely; try again, or download the document")
    text = _unpack(response.body, shown)
    if kind in ("text/html", "application/xhtml+xml") or text.lstrip()[:1] == b"<":
        address = _find_document(text.decode(errors="replace"), shown)
        hint = f"try {address}, which it shows" if address else RAW_HINT
        raise UsageError(f"{shown} answered with a page (HTML), perhaps of a login or of documentation; {hint}")
    return text


def _find_document(page: str, address: str) -> str:
    """The address of the document that a page of Swagger UI, ReDoc or Scalar shows; empty if there is none."""
    found = DOCUMENT_ON_PAGE.search(page)
    return mask_address(urljoin(address, html.unescape(found["url"]))) if found else ""


def _file_name(url: str) -> str:
    """The last part of a URL, as a file name for errors: its suffix shows the format."""
    return urlsplit(url).path.rpartition("/")[2] or "openapi.json"


def _public_address(source: str) -> str:
    """A URL that may be stored in a profile: without user, password and query, which may be secret."""
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
