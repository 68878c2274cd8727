# SPDX-License-Identifier: Apache-2.0
"""Failures of a connection that no second attempt can mend, and what to do about each.

Which certificate a server shows, which versions it speaks and what a proxy allows does not change within a call's
deadline. The words are those of rustls and hyper-util as `pyreqwest` 0.15 hands them on; a contract test makes each of
these failures over real sockets.
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
    "CertificateRequired": "the server wants a certificate of its client, and there is none",
    "corrupt message of type InvalidContentType": (
        "the server speaks no TLS at this port; check the address: http:// or another port may be meant"
    ),
    "received fatal alert": (
        "the server ends the TLS handshake: no version or cipher in common (it needs TLS 1.2 or newer), or it wants a "
        "certificate of its client"
    ),
    "peer is incompatible": (
        "the server and this client have no version or cipher of TLS in common; it needs TLS 1.2 or newer"
    ),
    "tunnel error: proxy authorization required": (
        "the proxy wants a user and a password (407): proxy=http://USER:PASSWORD@HOST:PORT"
    ),
    "tunnel error: unsuccessful": (
        "the proxy refuses a tunnel to the server; check proxy=… and NO_PROXY, or ask who runs the proxy"
    ),
}
"""What a cause says, and the sentence for it; the first that fits counts."""

TRANSIENT: Final = ("InternalError", "UserCanceled", "CloseNotify")
"""Alerts with which a server that is in trouble ends a handshake (RFC 8446, 6.2)."""


CERTIFICATE_WANTED: Final = "CertificateRequired"
"""The alert that comes after the handshake of TLS 1.3, when the request is on its way (RFC 8446, 4.4.2.4)."""


def remedy(causes: Sequence[str], *, connecting: bool) -> str | None:
    """What to do about a failure that will last; None if another attempt makes sense.

    Args:
        causes: the chain of causes, as the library words them.
        connecting: there was no connection yet.
    """
    for cause in causes:
        if not connecting and CERTIFICATE_WANTED not in cause:
            continue
        if any(alert in cause for alert in TRANSIENT):
            return None
        for words, sentence in REMEDIES.items():
            if words in cause:
                return sentence
    return None
