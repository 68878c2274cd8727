# SPDX-License-Identifier: Apache-2.0
"""Sends one request to a provider's address, without a key, to see its response and its certificate.

The request goes through the configured proxy and uses the configured certificates, like calls. All checks share it.
"""

from __future__ import annotations

import http.client
import ssl
import time
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urljoin, urlsplit
from weakref import WeakKeyDictionary

from callwell.core.dates import parse_date
from callwell.errors import InvalidOption
from callwell.readiness.check import NotApplicable, Unchecked
from callwell.transport.base import Network, NoReply
from callwell.transport.exact import ExactSender
from callwell.transport.proxies import read_proxies
from callwell.transport.trust import read_certificates
from callwell.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.readiness.project import ConfiguredAccount, Project

TIMEOUT_S: Final = 10.0
"""The timeout for the connection, and again for the response, in seconds: the connect timeout of a client."""

HTTP_PROXY: Final = "http"


class Target(NamedTuple):
    """Where a probe goes, and how.

    Attributes:
        address: the address.
        proxy: as the setting has it.
        ca_file: as the setting has it.
    """

    address: str
    proxy: str | None
    ca_file: str | None


class ProbeResponse(NamedTuple):
    """The response of an address.

    Attributes:
        status: the HTTP status.
        location: the absolute target of a redirect; empty if there is none.
        date_s: the server's `Date` in seconds since the epoch, with the age of a cached answer added; None without one.
        sent_at: this machine's time of day when the request left.
        received_at: this machine's time of day when the response arrived.
        expires_s: when the certificate ends, in seconds since the epoch; None without TLS.
        protocol: the version of TLS, such as `TLSv1.3`; None without TLS.
    """

    status: int
    location: str
    date_s: float | None
    sent_at: float
    received_at: float
    expires_s: float | None
    protocol: str | None


class ProbeFailure(NamedTuple):
    """Why there was no answer.

    Attributes:
        reason: what happened, in a sentence without a full stop.
        permanent: whether another attempt would fail in the same way, because of a wrong setting on either side.
    """

    reason: str
    permanent: bool


_ANSWERS: WeakKeyDictionary[Project, dict[Target, ProbeResponse | ProbeFailure]] = WeakKeyDictionary()


def probe(
    project: Project, account: ConfiguredAccount, *, wall: Callable[[], float] = time.time
) -> ProbeResponse | ProbeFailure:
    """Probe the address of an account, once for all checks.

    Args:
        project: the project.
        account: the account.
        wall: this machine's time of day, in seconds since the epoch.
    """
    target = target_of(account)
    answers = _ANSWERS.setdefault(project, {})
    if target not in answers:
        answers[target] = _ask(target, wall)
    return answers[target]


def target_of(account: ConfiguredAccount) -> Target:
    """The target of an account's calls."""
    settings = account.settings
    proxy = settings["proxy"].value
    ca_file = settings["ca_file"].value
    return Target(
        address=str(settings["base_url"].value),
        proxy=None if proxy is None else str(proxy),
        ca_file=None if ca_file is None else str(ca_file),
    )


def probe_all(project: Project) -> Iterator[tuple[Target, ConfiguredAccount, ProbeResponse] | Unchecked]:
    """Probe each address in use, with one of the accounts that call it; yield `Unchecked` if it did not answer.

    Args:
        project: the project.

    Raises:
        NotApplicable: it uses no provider.
    """
    if not project.in_use:
        raise NotApplicable("the project uses no provider")
    for target, account in {target_of(account): account for account in project.in_use}.items():
        answer = probe(project, account)
        yield report_probe_failure(target, answer) if isinstance(answer, ProbeFailure) else (target, account, answer)


def report_probe_failure(target: Target, unreached: ProbeFailure) -> Unchecked:
    """Report that an address did not answer."""
    return Unchecked(
        what=f"{target.address} cannot be asked: {unreached.reason}",
        fix="Run the check where the calls will run, with the network and the settings of production.",
    )


def _ask(target: Target, wall: Callable[[], float]) -> ProbeResponse | ProbeFailure:
    network = Network(connect_s=TIMEOUT_S, proxy=target.proxy, ca_file=target.ca_file)
    try:
        certificates = () if target.ca_file is None else read_certificates(target.ca_file)
        proxy = read_proxies(target.proxy).address_for(target.address)
    except InvalidOption as error:
        return ProbeFailure(str(error), permanent=True)
    if proxy is not None and urlsplit(proxy).scheme != HTTP_PROXY:
        return ProbeFailure("the check knows HTTP proxies only, and the configured one is another", permanent=False)
    connection = ExactSender(network, certificates).connect(target.address, proxy)
    if isinstance(connection, NoReply):
        return ProbeFailure(connection.reason, permanent=connection.permanent)
    try:
        return _exchange(connection, target.address, wall)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return ProbeFailure(f"no answer came ({type(error).__name__})", permanent=False)
    finally:
        connection.close()


def _exchange(connection: http.client.HTTPConnection, address: str, wall: Callable[[], float]) -> ProbeResponse:
    connection.sock.settimeout(TIMEOUT_S)
    expires_s, protocol = _certificate(connection.sock)
    sent_at = wall()
    path = urlsplit(address).path or "/"
    connection.request("HEAD", path, headers={"User-Agent": f"callwell/{VERSION}", "Connection": "close"})
    response = connection.getresponse()
    received_at = wall()
    location = response.headers.get("location", "")
    return ProbeResponse(
        status=response.status,
        location=urljoin(address, location) if location else "",
        date_s=_date(response),
        sent_at=sent_at,
        received_at=received_at,
        expires_s=expires_s,
        protocol=protocol,
    )


def _certificate(sock: object) -> tuple[float | None, str | None]:
    """When the server's certificate ends, and the version of TLS."""
    if not isinstance(sock, ssl.SSLSocket):
        return None, None
    certificate = sock.getpeercert() or {}
    ends = str(certificate.get("notAfter", ""))
    return (float(ssl.cert_time_to_seconds(ends)) if ends else None), sock.version()


def _date(response: http.client.HTTPResponse) -> float | None:
    date_s = parse_date(response.headers.get("date", ""))
    age = response.headers.get("age", "").strip()
    if date_s is None:
        return None
    return date_s + int(age) if age.isdecimal() else date_s
