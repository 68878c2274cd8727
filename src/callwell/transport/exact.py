# SPDX-License-Identifier: Apache-2.0
"""Sends requests whose address must not be rewritten.

A signed URL carries a signature over its own text: path and query, byte for byte. HTTP libraries normalize addresses
before they send them, as browsers do (the WHATWG URL standard), and pyreqwest has no option to turn that off. A changed
address still reaches the server, which computes another signature and answers 403::

    given    /f?response-content-disposition=attachment;filename='a.mp4'&sig=…     signed with '
    sent     /f?response-content-disposition=attachment;filename=%27a.mp4%27&sig=…  refused

So an address that pyreqwest would change (see `normalization`) is sent here, by the standard library's `http.client`.
Such addresses are rare, about one in thousands of signed ones: each request uses its own connection, nothing is pooled,
and everything blocks. The asynchronous side runs it in a thread. Proxies, certificates, timeouts and the classification
of failures are the same as with pyreqwest, and one contract suite checks both (`tests/contract`).
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from callwell.core.types import Outcome
from callwell.transport.base import NoReply
from callwell.transport.normalization import request_target
from callwell.transport.remedies import find_remedy

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from callwell.transport.base import Network, Request

CHUNK: Final = 64 << 10
"""The most bytes of one chunk."""

CUT_OFF_REPLY: Final = NoReply(Outcome.UNKNOWN, "the response broke off")
UNUSABLE_ADDRESS: Final = NoReply(Outcome.REFUSED, "the request could not be built")


class ExactResponse:
    """A response whose body is read in chunks.

    Args:
        connection: its connection.
        response: its status and headers.
        timer: ends the connection when the total time is over; None for no limit.

    Attributes:
        status: the HTTP status.
        fields: header names and values, without those that are not ASCII.
    """

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        timer: threading.Timer | None,
    ) -> None:
        self.status = response.status
        self.fields = [(name, value) for name, value in response.headers.items() if value.isascii()]
        self._connection = connection
        self._response = response
        self._timer = timer

    def read(self) -> bytes | NoReply:
        """The next chunk of the body: empty at its end, a `NoReply` if it broke off."""
        try:
            chunk = self._response.read1(CHUNK)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return replace(CUT_OFF_REPLY, cause=_without_frames(error))
        if not chunk and self._response.length:
            return CUT_OFF_REPLY
        return chunk

    def close(self) -> None:
        """Close the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._connection.close()


class ExactSender:
    """Sends requests without normalizing their addresses.

    Args:
        network: how connections are made.
        ca_certificates: certificates to trust besides the usual authorities, in DER.
    """

    def __init__(self, network: Network, ca_certificates: tuple[bytes, ...]) -> None:
        self._network = network
        self._ca_certificates = ca_certificates
        self._context: ssl.SSLContext | None = None

    def open(
        self, request: Request, proxy: str | None, *, total_timeout_s: float | None = None
    ) -> ExactResponse | NoReply:
        """Make one request, and leave the body of its response to be read.

        Args:
            request: the request; its `timeout_s` is the longest pause.
            proxy: the address of a proxy to use.
            total_timeout_s: real seconds within which the response must end; None for no limit.
        """
        connection = self.connect(request.url, proxy)
        if isinstance(connection, NoReply):
            return connection
        parts = urlsplit(request.url)
        forwarding_proxy = proxy if parts.scheme == "http" else None  # HTTPS goes through a tunnel
        return self._exchange(connection, request, parts, forwarding_proxy, total_timeout_s)

    def connect(self, url: str, proxy: str | None) -> http.client.HTTPConnection | NoReply:
        """Make a connection, TLS included, and send nothing.

        Args:
            url: the address of a request.
            proxy: the address of a proxy to use.
        """
        try:
            connection = self._connection(urlsplit(url), proxy)
        except ValueError:
            return UNUSABLE_ADDRESS
        if connection is None:
            return NoReply(
                Outcome.REFUSED, "only an HTTP proxy can pass on an address with ' or dot segments", permanent=True
            )
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return _not_connected(_without_frames(error))
        return connection

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
            timed_out = isinstance(error, TimeoutError)
            reason = "no response in time" if timed_out else "the connection was closed before a response came"
            return NoReply(Outcome.UNKNOWN, reason, _without_frames(error))

    def _write_request(
        self, connection: http.client.HTTPConnection, request: Request, parts: SplitResult, proxy: str | None
    ) -> None:
        target = request_target(request.url)
        if proxy is not None:
            target = f"http://{parts.netloc}{target}"  # the absolute form (RFC 9112, 3.2.2)
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", parts.netloc.rpartition("@")[2])
        connection.putheader("User-Agent", self._network.user_agent)
        _write_headers(connection, request)
        if proxy is not None and (credentials := _proxy_authorization(proxy)) is not None:
            connection.putheader("Proxy-Authorization", credentials)
        body = request.body
        if body is None:
            connection.endheaders()
            return
        size = len(body) if isinstance(body, bytes) else body.size
        if size is None:
            connection.putheader("Transfer-Encoding", "chunked")
        else:
            connection.putheader("Content-Length", str(size))
        chunks = (body,) if isinstance(body, bytes) else body
        connection.endheaders(chunks, encode_chunked=size is None)

    def _connection(self, parts: SplitResult, proxy: str | None) -> http.client.HTTPConnection | None:
        host = parts.hostname
        if not host or parts.scheme not in ("http", "https"):
            raise ValueError("no address")
        seconds = self._network.connect_s
        if proxy is None:
            if parts.scheme == "http":
                return http.client.HTTPConnection(host, parts.port, timeout=seconds)
            return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=self._tls())
        proxy_parts = urlsplit(proxy)
        if proxy_parts.scheme != "http":
            return None
        proxy_host = proxy_parts.hostname or ""
        proxy_port = proxy_parts.port or 80
        if parts.scheme == "http":
            return http.client.HTTPConnection(proxy_host, proxy_port, timeout=seconds)
        tunnel = http.client.HTTPSConnection(proxy_host, proxy_port, timeout=seconds, context=self._tls())
        credentials = _proxy_authorization(proxy)
        fields = {} if credentials is None else {"Proxy-Authorization": credentials}
        tunnel.set_tunnel(host, parts.port or 443, fields)
        return tunnel

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            context = ssl.create_default_context()
            for der in self._ca_certificates:
                context.load_verify_locations(cadata=der)
            self._context = context
        return self._context


def _write_headers(connection: http.client.HTTPConnection, request: Request) -> None:
    """Write the headers, including the key, in a separate frame that is gone when the request is sent."""
    for name, value in request.headers:
        connection.putheader(name, value)


def _without_frames(error: Exception) -> Exception:
    """An exception without its traceback: the frames of `http.client` hold the request, headers and all."""
    error.__context__ = None
    return error.with_traceback(None)


def _proxy_authorization(proxy: str) -> str | None:
    """The value of `Proxy-Authorization` for the user in a proxy's address, if there is one."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return None
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(user.encode()).decode()}"


def _not_connected(error: Exception) -> NoReply:
    """What is known after a failed connection, in the same words that `errors` uses for pyreqwest's exceptions."""
    cause = _find_cause(error)
    if cause is not None:
        return NoReply(Outcome.REFUSED, find_remedy([cause], connecting=True) or "", error, permanent=True)
    if isinstance(error, TimeoutError):
        return NoReply(Outcome.REFUSED, "no connection in time", error)
    return NoReply(Outcome.REFUSED, "no connection", error)


def _find_cause(error: Exception) -> str | None:
    """A permanent failure in the wording of rustls or hyper-util; None if another attempt may succeed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATE_CAUSES.get(error.verify_code, "invalid peer certificate")
    if isinstance(error, ssl.SSLError):
        return next((cause for part, cause in HANDSHAKE_CAUSES.items() if part in (error.reason or "")), None)
    text = str(error)
    if text.startswith("Tunnel connection failed"):
        return "tunnel error: proxy authorization required" if "407" in text else "tunnel error: unsuccessful"
    return None


CERTIFICATE_CAUSES: Final = {
    9: "certificate not valid yet",
    10: "certificate expired",
    18: "UnknownIssuer",
    19: "UnknownIssuer",
    20: "UnknownIssuer",
    21: "UnknownIssuer",
    62: "certificate not valid for name",
    64: "certificate not valid for name",
}
"""OpenSSL's codes for a certificate that was not accepted (x509_vfy.h), in the words of rustls."""


HANDSHAKE_CAUSES: Final = {
    "WRONG_VERSION_NUMBER": "corrupt message of type InvalidContentType",
    "HTTP_REQUEST": "corrupt message of type InvalidContentType",
    "PROTOCOL_VERSION": "received fatal alert",
    "UNSUPPORTED_PROTOCOL": "peer is incompatible",
    "HANDSHAKE_FAILURE": "received fatal alert",
    "CERTIFICATE_REQUIRED": "CertificateRequired",
}
"""OpenSSL's reasons for a failed handshake, in the same words."""


def _shut_down(connection: http.client.HTTPConnection) -> None:
    """End a connection when its total time is over: a reader finds it closed."""
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):  # it was already closed
            sock.shutdown(socket.SHUT_RDWR)
