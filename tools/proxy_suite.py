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
from proxies import HOST, SQUID_LOGIN, ProxySetup, free_port

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
    """Run all tests of this file, each with its own proxies and one emulator for all.

    Returns:
        How many tests were `run`, `bad` and `skipped`.
    """
    bad = 0
    with start(EmulatorOptions(provider=("userplane",))) as running:
        for name, test in TESTS.items():
            setup = ProxySetup(running.endpoint("userplane"))
            try:
                test(setup)
            except Failed:
                raise
            except Exception:  # noqa: BLE001 - whatever it is, this test has failed, and the next one continues
                traceback.print_exc()
                bad += 1
                print(f"FAILED: {name}")
            finally:
                setup.close()
    return {"run": len(TESTS), "bad": bad, "skipped": 0}


def refused_by_proxy(setup: ProxySetup, client: Client) -> None:
    """A read and a create end at the first attempt as refused, and the key continues to be used."""
    for error in (failure(client), create(client)):
        assert (error.outcome, error.attempts, error.possibly_billed) == ("refused", 1, 0), error
        assert "may not be the provider's" in str(error), error
    passes(setup.client())


def unknown_by_proxy(client: Client) -> None:
    """A read is repeated until the deadline; a create is unknown immediately and billed for nothing that is known."""
    read = failure(client)
    assert isinstance(read, errors.OutOfTime), read
    assert read.attempts > 1, read
    error = create(client)
    assert isinstance(error, errors.OutcomeUnknown), error
    assert (error.attempts, error.possibly_billed) == (1, 0), error


def requires_login(setup: ProxySetup, proxy: str) -> None:
    """Without a password nothing is sent on; the message says where it goes; with it, calls go through."""
    for error in (failure(setup.client(proxy=proxy)), create(setup.client(proxy=proxy))):
        assert (error.outcome, error.attempts, error.possibly_billed) == ("refused", 1, 0), error
        assert "407" in str(error), error
        assert "password" in str(error), error
    tunnel = failure(setup.client(443, scheme="https", proxy=proxy))
    assert (tunnel.outcome, tunnel.attempts) == ("refused", 1), tunnel
    assert "407" in str(tunnel), tunnel
    passes(setup.client(proxy=proxy.replace("//", f"//{USER}@")))


def refuses_tunnels(setup: ProxySetup, proxy: str) -> None:
    """A tunnel that is refused ends the call at once, with what to do."""
    error = failure(setup.client(443, scheme="https", proxy=proxy))
    assert (error.outcome, error.attempts) == ("refused", 1), error
    assert "NO_PROXY" in str(error), error


def squid_forwards(setup: ProxySetup) -> None:
    """Reads and creates go through."""
    passes(setup.client(proxy=setup.squid()))


def squid_requires_login(setup: ProxySetup) -> None:
    """407, in front of HTTP and of a tunnel."""
    requires_login(setup, setup.squid(SQUID_LOGIN))


def squid_denies(setup: ProxySetup) -> None:
    """403 with its own page."""
    proxy = setup.squid("http_access deny all")
    refused_by_proxy(setup, setup.client(proxy=proxy))
    refuses_tunnels(setup, proxy)


def squid_has_no_upstream(setup: ProxySetup) -> None:
    """503 with its own page."""
    unknown_by_proxy(setup.client(free_port(), proxy=setup.squid(), deadline_s=SHORT_DEADLINE_S))


def tinyproxy_forwards(setup: ProxySetup) -> None:
    """Reads go through."""
    passes(setup.client(proxy=setup.tinyproxy()))


def tinyproxy_requires_login(setup: ProxySetup) -> None:
    """407, in front of HTTP and of a tunnel."""
    requires_login(setup, setup.tinyproxy(f"BasicAuth {USER.replace(':', ' ')}"))


def tinyproxy_denies(setup: ProxySetup) -> None:
    """403 with its own page."""
    filters = setup.folder / "filter"
    filters.write_text(f"{HOST}\n")
    proxy = setup.tinyproxy(f'Filter "{filters}"\nFilterDefaultDeny No')
    refused_by_proxy(setup, setup.client(proxy=proxy))
    refuses_tunnels(setup, proxy)


def tinyproxy_has_no_upstream(setup: ProxySetup) -> None:
    """500 with its own page."""
    unknown_by_proxy(setup.client(free_port(), proxy=setup.tinyproxy(), deadline_s=SHORT_DEADLINE_S))


def mitmproxy_intercepts_tls(setup: ProxySetup) -> None:
    """A proxy that ends TLS itself is not trusted until its authority is named, and then calls go through."""
    pair = Authority(setup.folder).issue()
    rules = f"ssl_certificate {pair}; ssl_certificate_key {pair}; location / {{ proxy_pass TARGET; }}"
    secure = setup.nginx(rules, tls="ssl")
    proxy, authority = setup.mitmproxy("--ssl-insecure")
    error = failure(setup.client(secure, scheme="https", proxy=proxy))
    assert (error.outcome, error.attempts) == ("refused", 1), error
    assert "ca_file" in str(error), error
    passes(setup.client(secure, scheme="https", proxy=proxy, ca_file=str(authority)))


def mitmproxy_requires_login(setup: ProxySetup) -> None:
    """407, in front of HTTP and of a tunnel."""
    requires_login(setup, setup.mitmproxy("--proxyauth", USER)[0])


def mitmproxy_has_no_upstream(setup: ProxySetup) -> None:
    """502 with its own page."""
    unknown_by_proxy(setup.client(free_port(), proxy=setup.mitmproxy()[0], deadline_s=SHORT_DEADLINE_S))


def nginx_forwards(setup: ProxySetup) -> None:
    """Reads go through."""
    passes(setup.client(setup.nginx("location / { proxy_pass TARGET; }")))


def nginx_requires_login(setup: ProxySetup) -> None:
    """401 with its own page: the provider's key is not rejected by it."""
    users = setup.folder / "users"
    users.write_text(USER.replace(":", ":{PLAIN}") + "\n")
    rules = f"auth_basic team; auth_basic_user_file {users}; location / {{ proxy_pass TARGET; }}"
    refused_by_proxy(setup, setup.client(setup.nginx(rules)))


def nginx_denies(setup: ProxySetup) -> None:
    """403 with its own page."""
    refused_by_proxy(setup, setup.client(setup.nginx("location / { deny all; }")))


def nginx_limits_bodies(setup: ProxySetup) -> None:
    """413 with its own page: refused, at the first attempt."""
    error = create(setup.client(setup.nginx("client_max_body_size 2; location / { proxy_pass TARGET; }")))
    assert isinstance(error, errors.BadRequest), error
    assert (error.status, error.outcome, error.attempts) == (413, "refused", 1), error


def nginx_limits_requests(setup: ProxySetup) -> None:
    """429 with its own page: waited for, as any 429."""
    rules = "location / { limit_req zone=slow; limit_req_status 429; proxy_pass TARGET; }"
    client = setup.client(setup.nginx(rules))
    for _ in range(2):
        passes(client)


def nginx_has_no_upstream(setup: ProxySetup) -> None:
    """502 with its own page."""
    rules = f"location / {{ proxy_pass http://{HOST}:{free_port()}; }}"
    unknown_by_proxy(setup.client(setup.nginx(rules), deadline_s=SHORT_DEADLINE_S))


def nginx_times_out(setup: ProxySetup) -> None:
    """504 with its own page, after the request was passed on."""
    with socket.create_server((HOST, 0)) as silent:
        rules = f"location / {{ proxy_pass http://{HOST}:{silent.getsockname()[1]}; }}"
        unknown_by_proxy(setup.client(setup.nginx(rules), deadline_s=SHORT_DEADLINE_S))


def nginx_serves_a_login_page(setup: ProxySetup) -> None:
    """A log-in page with status 200 or 302 is not a result: a create is unknown."""
    for rules in (
        'default_type text/html; location / { return 200 "<html>log in</html>"; }',
        "location / { return 302 https://login.test/; }",
    ):
        client = setup.client(setup.nginx(rules), deadline_s=SHORT_DEADLINE_S)
        failure(client)
        error = create(client)
        assert isinstance(error, errors.OutcomeUnknown), error
        assert error.possibly_billed == 0, error


def haproxy_forwards(setup: ProxySetup) -> None:
    """Reads go through."""
    passes(setup.client(setup.haproxy()))


def haproxy_denies(setup: ProxySetup) -> None:
    """401 and 403 with its own page."""
    for status in (401, 403):
        refused_by_proxy(setup, setup.client(setup.haproxy(f"http-request deny deny_status {status}")))


def haproxy_responds_itself(setup: ProxySetup) -> None:
    """408, 500 and 503 with its own page."""
    for status in (408, 500, 503):
        port = setup.haproxy(f"http-request deny deny_status {status}")
        unknown_by_proxy(setup.client(port, deadline_s=SHORT_DEADLINE_S))


def haproxy_has_no_upstream(setup: ProxySetup) -> None:
    """503 with its own page."""
    unknown_by_proxy(setup.client(setup.haproxy(target=free_port()), deadline_s=SHORT_DEADLINE_S))


def haproxy_times_out(setup: ProxySetup) -> None:
    """504 with its own page, after the request was passed on."""
    with socket.create_server((HOST, 0)) as silent:
        port = setup.haproxy(target=silent.getsockname()[1])
        unknown_by_proxy(setup.client(port, deadline_s=SHORT_DEADLINE_S))


TESTS: Final[dict[str, Callable[[ProxySetup], None]]] = {
    test.__name__: test
    for test in (
        *(squid_forwards, squid_requires_login, squid_denies, squid_has_no_upstream),
        *(tinyproxy_forwards, tinyproxy_requires_login, tinyproxy_denies, tinyproxy_has_no_upstream),
        *(mitmproxy_intercepts_tls, mitmproxy_requires_login, mitmproxy_has_no_upstream),
        *(nginx_forwards, nginx_requires_login, nginx_denies, nginx_limits_bodies, nginx_limits_requests),
        *(nginx_has_no_upstream, nginx_times_out, nginx_serves_a_login_page),
        *(haproxy_forwards, haproxy_denies, haproxy_responds_itself, haproxy_has_no_upstream, haproxy_times_out),
    )
}
