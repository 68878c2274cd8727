# SPDX-License-Identifier: Apache-2.0
"""Answers that somebody on the way has written: a proxy, a portal that wants a log-in, a page "down for maintenance".

Such an answer says nothing of the provider: no key is dead by it, and nothing was done, deleted or billed for sure.
Its permit counts as used all the same, for a gateway may have passed the request on before it answered itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.core import outcome
from callwell.core.headers import join_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

BLANK = b" \t\r\n\xef\xbb\xbf"
"""What may stand before the first character of a text."""


def another_type(headers: Mapping[str, str], body: bytes, described: Collection[str] = ()) -> bool:
    """Whether a success that is no JSON says itself that it is something else than described.

    JSON that broke off, or that a server names wrongly, is the provider's own.

    Args:
        headers: the answer's.
        body: what arrived of it.
        described: other types that the provider gives.
    """
    named = (
        join_lines(headers, "content-type").partition(";")[0].strip().lower()
    )  # bytes that are no text are a type too
    if named in described:
        return False
    return _marked(body) or (named != "" and "json" not in named)


def speaks(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an error that is no JSON looks like a gateway's.

    Args:
        status: the HTTP status.
        headers: the answer's.
        body: what arrived of it.
    """
    if status == outcome.PROXY_LOGIN or "proxy-authenticate" in headers:
        return True
    if "error=" in headers.get("proxy-status", ""):  # RFC 9209
        return True
    return _marked(body) or "html" in headers.get("content-type", "").lower()


def words(status: int, headers: Mapping[str, str]) -> str:
    """What to tell a person about an answer that looks like a gateway's."""
    if status == outcome.PROXY_LOGIN:
        return "the proxy asks for a log-in: put user and password into its address"
    named = headers.get("content-type", "").partition(";")[0].strip()
    what = f"a body of type {named}" if named else "a page"
    return f"{what} in the place of JSON, as proxies, portals and firewalls send it: it may not be the provider's"


def _marked(body: bytes) -> bool:
    """Whether a body begins like HTML or XML, as no JSON does."""
    return body[:64].lstrip(BLANK).startswith(b"<")
