# SPDX-License-Identifier: Apache-2.0
"""Connection failures that another attempt cannot fix, and what to do about each.

A server's certificate, its TLS versions and a proxy's rules do not change within a call's deadline. The causes are in
the wording of rustls and hyper-util, which pyreqwest 0.15 passes on; a contract test provokes each over real sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

REMEDIES: Final = {
    "UnknownIssuer": (
        "the server's certificate comes from an authority that is not trusted here; if it is your own or your "
        "company's, name its certificate with ca_file=…"
    ),
    "CaUsedAsEndEntity": (
        "the server shows the certificate of an authority as its own; give the server a certificate that the "
        "authority has signed, and name the authority's with ca_file=…"
    ),
    "certificate expired": (
        "the server's certificate has expired; renew it there, or set this machine's clock if that is wrong"
    ),
    "certificate not valid yet": (
        "the server's certificate is not valid yet; set this machine's clock if that is wrong"
    ),
    "certificate not valid for name": (
        "the server's certificate is for another host name; check the address (base_url=…)"
    ),
    "Revoked": "the server's certificate was revoked",
    "invalid peer certificate": (
        "the server's certificate cannot be accepted; if its authority is your own, name it with ca_file=…"
    ),
    "CertificateRequired": "the server requires a client certificate, which Callwell cannot send",
    "corrupt message of type InvalidContentType": (
        "the server does not speak TLS on this port; check the address: http:// or another port may be meant"
    ),
    "received fatal alert": (
        "the server aborted the TLS handshake: either there is no common TLS version or cipher (it needs TLS 1.2 or "
        "newer), or it requires a client certificate"
    ),
    "peer is incompatible": (
        "the server and this client share no TLS version or cipher; the server needs TLS 1.2 or newer"
    ),
    "tunnel error: proxy authorization required": (
        "the proxy requires a user and a password (407): proxy=http://USER:PASSWORD@HOST:PORT"
    ),
    "tunnel error: unsuccessful": (
        "the proxy refuses a tunnel to the server; check proxy=… and NO_PROXY, or ask who runs the proxy"
    ),
}
"""Part of a cause → the message for it. The first match counts."""

TRANSIENT: Final = ("InternalError", "UserCanceled", "CloseNotify")
"""TLS alerts of a temporarily failing server (RFC 8446, 6.2)."""


CERTIFICATE_REQUIRED: Final = "CertificateRequired"
"""The alert that TLS 1.3 sends after the handshake, when the request may already be in transit (RFC 8446, 4.4.2.4)."""


def find_remedy(causes: Sequence[str], *, connecting: bool) -> str | None:
    """The message for a permanent failure; None if another attempt may succeed.

    Args:
        causes: the chain of causes, as pyreqwest words them.
        connecting: no connection had been made yet.
    """
    for cause in causes:
        if not connecting and CERTIFICATE_REQUIRED not in cause:
            continue
        if any(alert in cause for alert in TRANSIENT):
            return None
        for part, message in REMEDIES.items():
            if part in cause:
                return message
    return None
