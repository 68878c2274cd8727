# SPDX-License-Identifier: Apache-2.0
"""Requests to addresses that must go out letter by letter: see `spelling`.

They are few, one in thousands of signed ones, and are sent by the standard library, over a connection each. Everything
here blocks; the asynchronous side uses a thread for it.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from callwell.core.types import Outcome
from callwell.transport.base import NoReply
from callwell.transport.normalization import request_target
from callwell.transport.remedies import remedy

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from callwell.transport.base import Network, Request

PIECE: Final = 64 << 10
"""Bytes that are read at once."""

BROKE_OFF: Final = NoReply(Outcome.UNKNOWN, "the answer broke off")
NO_ADDRESS: Final = NoReply(Outcome.REFUSED, "the request could not be built")


class ExactResponse:
    """An answer whose body is read piece by piece.

    Args:
        connection: over which it comes.
        answer: its head.
        timer: ends the connection when the whole time is over, if there is one.

    Attributes:
        status: the HTTP status.
        fields: its headers, but for those that cannot be read.
    """

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        answer: http.client.HTTPResponse,
        timer: threading.Timer | None,
    ) -> None:
        self.status = answer.status
        self.fields = [(name, value) for name, value in answer.headers.items() if value.isascii()]
        self._connection = connection
        self._answer = answer
        self._timer = timer

    def read(self) -> bytes | NoReply:
        """The next piece: empty at the end, `NoReply` if it broke off."""
        try:
            piece = self._answer.read1(PIECE)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return BROKE_OFF._replace(cause=_without_frames(error))
        if not piece and self._answer.length:
            return BROKE_OFF
        return piece

    def close(self) -> None:
        """Close the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._connection.close()


class ExactSender:
    """Sends without spelling addresses anew.

    Args:
        network: how connections are made.
        ca_certificates: certificates to trust as well, in DER.
    """

    def __init__(self, network: Network, ca_certificates: tuple[bytes, ...]) -> None:
        self._network = network
        self._trusted = ca_certificates
        self._context: ssl.SSLContext | None = None

    def open(
        self, request: Request, proxy: str | None, *, total_timeout_s: float | None = None
    ) -> ExactResponse | NoReply:
        """Make one arrival, and leave the body to be read.

        Args:
            request: the request; its `timeout_s` is the longest pause.
            proxy: the proxy that it goes through.
            total_timeout_s: the whole time, if there is such a bound.
        """
        try:
            parts = urlsplit(request.url)
            connection = self._connection(parts, proxy)
        except ValueError:
            return NO_ADDRESS
        if connection is None:
            return NoReply(
                Outcome.REFUSED, "an address with ' or dots cannot be sent through such a proxy", permanent=True
            )
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return _not_connected(_without_frames(error))
        through = proxy if parts.scheme == "http" else None
        return self._exchange(connection, request, parts, through, total_timeout_s)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        request: Request,
        parts: SplitResult,
        proxy: str | None,
        total_timeout_s: float | None,
    ) -> ExactResponse | NoReply:
        connection.sock.settimeout(request.timeout_s)
        timer = None
        if total_timeout_s is not None:
            timer = threading.Timer(total_timeout_s, _shut_down, (connection,))
            timer.daemon = True
            timer.start()
        try:
            self._write_request(connection, request, parts, proxy)
            return ExactResponse(connection, connection.getresponse(), timer)
        except (OSError, ValueError, http.client.HTTPException) as error:
            if timer is not None:
                timer.cancel()
            connection.close()
            late = isinstance(error, TimeoutError)
            words = "no answer in time" if late else "the connection was closed before an answer came"
            return NoReply(Outcome.UNKNOWN, words, _without_frames(error))

    def _write_request(
        self, connection: http.client.HTTPConnection, request: Request, parts: SplitResult, proxy: str | None
    ) -> None:
        place = request_target(request.url)
        if proxy is not None:
            place = f"http://{parts.netloc}{place}"
        connection.putrequest(request.method, place, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", parts.netloc.rpartition("@")[2])
        connection.putheader("User-Agent", self._network.user_agent)
        _write_headers(connection, request)
        if proxy is not None and (user := _authorization(proxy)) is not None:
            connection.putheader("Proxy-Authorization", user)
        body = request.body
        if body is None:
            connection.endheaders()
            return
        connection.putheader("Content-Length", str(len(body) if isinstance(body, bytes) else body.size))
        connection.endheaders()
        for piece in (body,) if isinstance(body, bytes) else body:
            connection.send(piece)

    def _connection(self, parts: SplitResult, proxy: str | None) -> http.client.HTTPConnection | None:
        host = parts.hostname
        if not host or parts.scheme not in ("http", "https"):
            raise ValueError("no address")
        seconds = self._network.connect_s
        if proxy is None:
            if parts.scheme == "http":
                return http.client.HTTPConnection(host, parts.port, timeout=seconds)
            return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=self._tls())
        there = urlsplit(proxy)
        if there.scheme != "http":
            return None
        if parts.scheme == "http":
            return http.client.HTTPConnection(there.hostname or "", there.port or 80, timeout=seconds)
        tunnel = http.client.HTTPSConnection(
            there.hostname or "", there.port or 80, timeout=seconds, context=self._tls()
        )
        user = _authorization(proxy)
        tunnel.set_tunnel(host, parts.port or 443, {} if user is None else {"Proxy-Authorization": user})
        return tunnel

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            context = ssl.create_default_context()
            for der in self._trusted:
                context.load_verify_locations(cadata=der)
            self._context = context
        return self._context


def _write_headers(connection: http.client.HTTPConnection, request: Request) -> None:
    """Write the headers: a frame of its own, which has gone when something is sent."""
    for name, value in request.headers:
        connection.putheader(name, value)


def _without_frames(error: Exception) -> Exception:
    """An exception without its frames: those of `http.client` hold what was sent, headers and all."""
    error.__context__ = None
    return error.with_traceback(None)


def _authorization(proxy: str) -> str | None:
    parts = urlsplit(proxy)
    if parts.username is None:
        return None
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(user.encode()).decode()}"


def _not_connected(error: Exception) -> NoReply:
    text = str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        words = remedy([VERIFY.get(error.verify_code, "invalid peer certificate")], connecting=True)
        return NoReply(Outcome.REFUSED, words or "", error, permanent=True)
    if isinstance(error, ssl.SSLError):
        known = [words for part, words in TLS.items() if part in (error.reason or "")]
        if known:
            return NoReply(Outcome.REFUSED, remedy(known, connecting=True) or "", error, permanent=True)
    if text.startswith("Tunnel connection failed"):
        kind = "proxy authorization required" if "407" in text else "unsuccessful"
        words = remedy([f"tunnel error: {kind}"], connecting=True)
        return NoReply(Outcome.REFUSED, words or "", error, permanent=True)
    if isinstance(error, TimeoutError):
        return NoReply(Outcome.REFUSED, "no connection in time", error)
    return NoReply(Outcome.REFUSED, "no connection", error)


VERIFY: Final = {
    9: "certificate not valid yet",
    10: "certificate expired",
    18: "UnknownIssuer",
    19: "UnknownIssuer",
    20: "UnknownIssuer",
    21: "UnknownIssuer",
    62: "certificate not valid for name",
    64: "certificate not valid for name",
}
"""OpenSSL's numbers for what is wrong with a certificate (x509_vfy.h), in the words of rustls."""


TLS: Final = {
    "WRONG_VERSION_NUMBER": "corrupt message of type InvalidContentType",
    "HTTP_REQUEST": "corrupt message of type InvalidContentType",
    "PROTOCOL_VERSION": "received fatal alert",
    "UNSUPPORTED_PROTOCOL": "peer is incompatible",
    "HANDSHAKE_FAILURE": "received fatal alert",
    "CERTIFICATE_REQUIRED": "CertificateRequired",
}
"""Reasons of OpenSSL's for a handshake that fails, in the same words."""


def _shut_down(connection: http.client.HTTPConnection) -> None:
    """The whole time is over: whoever reads from the connection finds it closed."""
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(2)
        except OSError:
            return  # it was closed meanwhile
