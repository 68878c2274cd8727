# SPDX-License-Identifier: Apache-2.0
"""Answers from a proxy, a gateway, a firewall, a captive portal or a maintenance page, rather than from the provider.

Such a response shows nothing about the provider: it does not reject a key, and does not prove that anything was done,
deleted or billed. Its permit still counts as used, since a gateway may have forwarded the request before it answered.

A 401 or a 403 can mean that a key is dead, so these two count only if they are clearly the provider's::

    body in the described error shape      the provider      may reject the key
    empty, no header of a gateway          the provider      may reject the key
    empty, with `Via`, a gateway's         a gateway         the key stays
      `Server`, `Proxy-Authenticate` …
    anything else: plain text, HTML,       a gateway         the key stays
      JSON of another shape

Keeping a dead key costs one failed call, with an error that says why. Rejecting a good key stops every call of the
client until a new one is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.core import outcome
from callwell.core.headers import join_lines
from callwell.core.media_types import base_type

if TYPE_CHECKING:
    from collections.abc import Mapping

LEADING_BLANKS = b" \t\r\n\xef\xbb\xbf"
"""White space and a byte order mark, which may precede the first character of a body."""

GATEWAY_SERVERS = (
    *("akamaighost", "awselb", "big-ip", "bigip", "blue coat", "bluecoat", "cloudflare", "cloudfront", "envoy"),
    *("fortigate", "haproxy", "mcafee web gateway", "microsoft-azure-application-gateway", "netskope", "squid"),
    *("symantec", "tinyproxy", "traefik", "traffic server", "varnish", "zscaler"),
)
"""Prefixes of `Server` values, in lower case, that proxies, load balancers and content networks use.

General web servers (nginx, Apache, IIS) are omitted on purpose: they are origins as often as they are gateways.
"""


def is_undescribed_type(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a success that is not JSON declares itself to be something other than described.

    Truncated JSON, and JSON with a wrong media type, count as the provider's own.

    Args:
        headers: the response's.
        body: the part of it that arrived.
    """
    named = base_type(join_lines(headers, "content-type"))  # bytes that are not text count as another type
    return is_markup(body) or (named != "" and "json" not in named)


def rejects_no_key(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a 401 or 403 without the described error shape may not be the provider's: see the table above.

    Args:
        headers: the response's.
        body: the part of it that arrived.
    """
    if body.strip(LEADING_BLANKS) or "via" in headers:  # RFC 9110, 7.6.3: every gateway adds `Via` to what it forwards
        return True
    return headers.get("server", "").lower().startswith(GATEWAY_SERVERS)


def is_gateway_error(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an error that is not JSON looks like a gateway's.

    Args:
        status: the HTTP status.
        headers: the response's.
        body: the part of it that arrived.
    """
    if status == outcome.PROXY_AUTHENTICATION_REQUIRED or "proxy-authenticate" in headers:
        return True
    if "error=" in headers.get("proxy-status", ""):  # RFC 9209
        return True
    return is_markup(body) or "html" in headers.get("content-type", "").lower()


def describe(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """How to describe a response that looks like a gateway's, for display.

    Args:
        status: the HTTP status.
        headers: the response's.
        body: the part of it that arrived.
    """
    if status == outcome.PROXY_AUTHENTICATION_REQUIRED:
        return "the proxy requires a login: put user and password into its address"
    named = headers.get("content-type", "").partition(";")[0].strip()
    if not body.strip(LEADING_BLANKS):
        what = "an empty body from a gateway"
    elif "json" in named.lower():
        what = "JSON in a different shape than the provider's errors"
    else:
        what = f"a body of type {named} instead of JSON" if named else "a page instead of JSON"
    return f"{what}, as proxies, portals and firewalls send: it may not be the provider's"


def is_markup(body: bytes) -> bool:
    """Whether a body begins like HTML or XML, which JSON never does."""
    return body[:64].lstrip(LEADING_BLANKS).startswith(b"<")
