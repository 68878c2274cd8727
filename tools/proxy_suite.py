# SPDX-License-Identifier: Apache-2.0
"""Callwell through real proxies, in front of the emulator.

A proxy's own response is not a response of the provider: no key is rejected by it, nothing was billed, and a create
that the proxy may have passed on is unknown, not refused.
"""

from __future__ import annotations

import socket
import traceback
from typing import TYPE_CHECKING, Final

from callwell import Client, errors
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start
from certificates import Authority
from packages import Failed
from proxies import HOST, SQUID_LOGIN, Stage, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

SHORT_DEADLINE_S: Final = 3.0
"""Where the call is to run out of time: three or four attempts."""

USER: Final = "worker:fake-password"


def passes(client: Client) -> None:
    """A read goes through, so that the key was not rejected before."""
    assert client.call("me.get") is not None


def failure(client: Client, operation: str = "me.get", **arguments: object) -> errors.CallError:
    """The error that a call ends with."""
    try:
        result = client.call(operation, **arguments)
    except errors.CallError as error:
        return error
    raise AssertionError(f"the call succeeded: {result!r}")


def create(client: Client) -> errors.CallError:
    """The error that a create ends with."""
    return failure(client, "links.create", workspace_id="ws", domain_id="d", project_id="p")


def suite() -> dict[str, int]:
    """Run all tests of this file, each with proxies of its own and one emulator for all.

    Returns:
        How many tests were `run`, `bad` and `skipped`.
    """
    bad = 0
    with start(EmulatorOptions(provider=("userplane",))) as running:
        for name, test in TESTS.items():
            stage = Stage(running.endpoint("userplane"))
            try:
                test(stage)
            except Failed:
                raise
            except Exception:  # noqa: BLE001 - whatever it is, this test has failed, and the next one goes on
                traceback.print_exc()
                bad += 1
                print(f"FAILED: {name}")
            finally:
                stage.close()
    return {"run": len(TESTS), "bad": bad, "skipped": 0}


def refused_by_proxy(stage: Stage, client: Client) -> None:
    """A read and a create end at the first attempt as refused, and the key goes on to be used."""
    for error in (failure(client), create(client)):
        assert (error.outcome, error.attempts, error.possibly_billed) == ("refused", 1, 0), error
        assert "may not be the provider's" in str(error), error
    passes(stage.client())


def unknown_by_proxy(client: Client) -> None:
    """A read is repeated until the deadline; a create is unknown at once and billed for nothing that is known."""
    read = failure(client)
    assert isinstance(read, errors.OutOfTime), read
    assert read.attempts > 1, read
    error = create(client)
    assert isinstance(error, errors.OutcomeUnknown), error
    assert (error.attempts, error.possibly_billed) == (1, 0), error


def wants_login(stage: Stage, proxy: str) -> None:
    """Without a password nothing is sent on; the message says where it goes; with it, calls go through."""
    for error in (failure(stage.client(proxy=proxy)), create(stage.client(proxy=proxy))):
        assert (error.outcome, error.attempts, error.possibly_billed) == ("refused", 1, 0), error
        assert "407" in str(error), error
        assert "password" in str(error), error
    tunnel = failure(stage.client(443, scheme="https", proxy=proxy))
    assert (tunnel.outcome, tunnel.attempts) == ("refused", 1), tunnel
    assert "407" in str(tunnel), tunnel
    passes(stage.client(proxy=proxy.replace("//", f"//{USER}@")))


def refuses_tunnels(stage: Stage, proxy: str) -> None:
    """A tunnel that is refused ends the call at once, with what to do."""
    error = failure(stage.client(443, scheme="https", proxy=proxy))
    assert (error.outcome, error.attempts) == ("refused", 1), error
    assert "NO_PROXY" in str(error), error


def squid_forwards(stage: Stage) -> None:
    """Reads and creates go through."""
    passes(stage.client(proxy=stage.squid()))


def squid_wants_login(stage: Stage) -> None:
    """407, in front of HTTP and of a tunnel."""
    wants_login(stage, stage.squid(SQUID_LOGIN))


def squid_denies(stage: Stage) -> None:
    """403 with a page of its own."""
    proxy = stage.squid("http_access deny all")
    refused_by_proxy(stage, stage.client(proxy=proxy))
    refuses_tunnels(stage, proxy)


def squid_reaches_nobody(stage: Stage) -> None:
    """503 with a page of its own."""
    unknown_by_proxy(stage.client(free_port(), proxy=stage.squid(), deadline_s=SHORT_DEADLINE_S))


def tinyproxy_forwards(stage: Stage) -> None:
    """Reads go through."""
    passes(stage.client(proxy=stage.tinyproxy()))


def tinyproxy_wants_login(stage: Stage) -> None:
    """407, in front of HTTP and of a tunnel."""
    wants_login(stage, stage.tinyproxy(f"BasicAuth {USER.replace(':', ' ')}"))


def tinyproxy_denies(stage: Stage) -> None:
    """403 with a page of its own."""
    filters = stage.folder / "filter"
    filters.write_text(f"{HOST}\n")
    proxy = stage.tinyproxy(f'Filter "{filters}"\nFilterDefaultDeny No')
    refused_by_proxy(stage, stage.client(proxy=proxy))
    refuses_tunnels(stage, proxy)


def tinyproxy_reaches_nobody(stage: Stage) -> None:
    """500 with a page of its own."""
    unknown_by_proxy(stage.client(free_port(), proxy=stage.tinyproxy(), deadline_s=SHORT_DEADLINE_S))


def mitmproxy_reads_along(stage: Stage) -> None:
    """A proxy that ends TLS itself is not trusted until its authority is named, and then calls go through."""
    pair = Authority(stage.folder).issue()
    rules = f"ssl_certificate {pair}; ssl_certificate_key {pair}; location / {{ proxy_pass TARGET; }}"
    secure = stage.nginx(rules, tls="ssl")
    proxy, authority = stage.mitmproxy("--ssl-insecure")
    error = failure(stage.client(secure, scheme="https", proxy=proxy))
    assert (error.outcome, error.attempts) == ("refused", 1), error
    assert "ca_file" in str(error), error
    passes(stage.client(secure, scheme="https", proxy=proxy, ca_file=str(authority)))


def mitmproxy_wants_login(stage: Stage) -> None:
    """407, in front of HTTP and of a tunnel."""
    wants_login(stage, stage.mitmproxy("--proxyauth", USER)[0])


def mitmproxy_reaches_nobody(stage: Stage) -> None:
    """502 with a page of its own."""
    unknown_by_proxy(stage.client(free_port(), proxy=stage.mitmproxy()[0], deadline_s=SHORT_DEADLINE_S))


def nginx_forwards(stage: Stage) -> None:
    """Reads go through."""
    passes(stage.client(stage.nginx("location / { proxy_pass TARGET; }")))


def nginx_wants_login(stage: Stage) -> None:
    """401 with a page of its own: the provider's key is not rejected by it."""
    users = stage.folder / "users"
    users.write_text(USER.replace(":", ":{PLAIN}") + "\n")
    rules = f"auth_basic team; auth_basic_user_file {users}; location / {{ proxy_pass TARGET; }}"
    refused_by_proxy(stage, stage.client(stage.nginx(rules)))


def nginx_denies(stage: Stage) -> None:
    """403 with a page of its own."""
    refused_by_proxy(stage, stage.client(stage.nginx("location / { deny all; }")))


def nginx_limits_bodies(stage: Stage) -> None:
    """413 with a page of its own: refused, at the first attempt."""
    error = create(stage.client(stage.nginx("client_max_body_size 2; location / { proxy_pass TARGET; }")))
    assert isinstance(error, errors.BadRequest), error
    assert (error.status, error.outcome, error.attempts) == (413, "refused", 1), error


def nginx_limits_requests(stage: Stage) -> None:
    """429 with a page of its own: waited for, as any 429."""
    rules = "location / { limit_req zone=slow; limit_req_status 429; proxy_pass TARGET; }"
    client = stage.client(stage.nginx(rules))
    for _ in range(2):
        passes(client)


def nginx_reaches_nobody(stage: Stage) -> None:
    """502 with a page of its own."""
    rules = f"location / {{ proxy_pass http://{HOST}:{free_port()}; }}"
    unknown_by_proxy(stage.client(stage.nginx(rules), deadline_s=SHORT_DEADLINE_S))


def nginx_loses_patience(stage: Stage) -> None:
    """504 with a page of its own, after the request was passed on."""
    with socket.create_server((HOST, 0)) as silent:
        rules = f"location / {{ proxy_pass http://{HOST}:{silent.getsockname()[1]}; }}"
        unknown_by_proxy(stage.client(stage.nginx(rules), deadline_s=SHORT_DEADLINE_S))


def nginx_shows_a_portal(stage: Stage) -> None:
    """A log-in page with status 200 or 302 is not a result: a create is unknown."""
    for rules in (
        'default_type text/html; location / { return 200 "<html>log in</html>"; }',
        "location / { return 302 https://login.test/; }",
    ):
        client = stage.client(stage.nginx(rules), deadline_s=SHORT_DEADLINE_S)
        failure(client)
        error = create(client)
        assert isinstance(error, errors.OutcomeUnknown), error
        assert error.possibly_billed == 0, error


def haproxy_forwards(stage: Stage) -> None:
    """Reads go through."""
    passes(stage.client(stage.haproxy()))


def haproxy_denies(stage: Stage) -> None:
    """401 and 403 with a page of its own."""
    for status in (401, 403):
        refused_by_proxy(stage, stage.client(stage.haproxy(f"http-request deny deny_status {status}")))


def haproxy_answers_itself(stage: Stage) -> None:
    """408, 500 and 503 with a page of its own."""
    for status in (408, 500, 503):
        port = stage.haproxy(f"http-request deny deny_status {status}")
        unknown_by_proxy(stage.client(port, deadline_s=SHORT_DEADLINE_S))


def haproxy_reaches_nobody(stage: Stage) -> None:
    """503 with a page of its own."""
    unknown_by_proxy(stage.client(stage.haproxy(target=free_port()), deadline_s=SHORT_DEADLINE_S))


def haproxy_loses_patience(stage: Stage) -> None:
    """504 with a page of its own, after the request was passed on."""
    with socket.create_server((HOST, 0)) as silent:
        port = stage.haproxy(target=silent.getsockname()[1])
        unknown_by_proxy(stage.client(port, deadline_s=SHORT_DEADLINE_S))


TESTS: Final[dict[str, Callable[[Stage], None]]] = {
    test.__name__: test
    for test in (
        *(squid_forwards, squid_wants_login, squid_denies, squid_reaches_nobody),
        *(tinyproxy_forwards, tinyproxy_wants_login, tinyproxy_denies, tinyproxy_reaches_nobody),
        *(mitmproxy_reads_along, mitmproxy_wants_login, mitmproxy_reaches_nobody),
        *(nginx_forwards, nginx_wants_login, nginx_denies, nginx_limits_bodies, nginx_limits_requests),
        *(nginx_reaches_nobody, nginx_loses_patience, nginx_shows_a_portal),
        *(haproxy_forwards, haproxy_denies, haproxy_answers_itself, haproxy_reaches_nobody, haproxy_loses_patience),
    )
}
