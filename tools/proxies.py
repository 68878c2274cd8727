# SPDX-License-Identifier: Apache-2.0
"""Real proxies on this machine, in front of the emulator: squid, tinyproxy, mitmproxy, nginx and HAProxy.

mitmproxy comes from PyPI by `requirements/proxies.txt`, the others from the system's packages. Each listens on
loopback, writes below its own folder, and ends with its test.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
import venv
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from callwell import Client, Key
from packages import LOCKS, Failed, cache_folder, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from callwell.emulator.options import Endpoint

HOST: Final = "127.0.0.1"
START_WITHIN_S: Final = 30.0
DEADLINE_S: Final = 30.0
PROGRAMS: Final = ("squid", "tinyproxy", "haproxy", "nginx")
PLACES: Final = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"

SQUID: Final = """\
http_port {host}:{port}
pid_filename none
cache deny all
access_log none
cache_log {folder}/cache.log
coredump_dir {folder}
forward_timeout 2 seconds
connect_timeout 1 seconds
acl all_ports port 1-65535
{rules}
"""
SQUID_LOGIN: Final = """\
auth_param basic program {helper}
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""
TINYPROXY: Final = """\
Port {port}
Listen {host}
Timeout 10
LogFile "{folder}/log"
{rules}
"""
NGINX: Final = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    limit_req_zone $server_port zone=slow:1m rate=1r/s;
    proxy_read_timeout 1s;
    server {{
        listen {host}:{port} {tls};
        {rules}
    }}
}}
"""
HAPROXY: Final = """\
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 1s
    retries 0
frontend front
    bind {host}:{port}
    {rules}
    default_backend back
backend back
    server only {host}:{target}
"""


class ProxySetup:
    """The emulator, and the proxies that a test starts before it.

    Args:
        endpoint: the provider that is played.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.target = int(endpoint.base_url.split(":")[2].split("/")[0])
        self._stack = ExitStack()
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="callwell-proxies-")))
        self.folder.chmod(0o777)  # squid gives up root's rights and writes here

    def close(self) -> None:
        """End the proxies of this test."""
        self._stack.close()

    def proxy(self, program: str, template: str, command: Callable[[Path], list[str]], **words: object) -> int:
        """Start a proxy.

        Args:
            program: its name.
            template: its configuration.
            command: what starts it with a configuration file.
            words: what the template has gaps for.

        Returns:
            The port that it listens on.
        """
        port = free_port()
        folder = self.folder / f"{program}-{port}"
        folder.mkdir(mode=0o777)
        folder.chmod(0o777)
        config = folder / "config"
        gaps = {"host": HOST, "port": port, "folder": folder, "target": self.target, **words}
        config.write_text(template.format(**gaps))
        self._stack.enter_context(run_listener(command(config), port))
        return port

    def squid(self, rules: str = "http_access allow all") -> str:
        """The address of a squid."""
        helper = "/usr/lib/squid/basic_fake_auth"
        rules = rules.format(helper=helper)
        port = self.proxy("squid", SQUID, lambda file: [program_path("squid"), "-N", "-f", str(file)], rules=rules)
        return f"http://{HOST}:{port}"

    def tinyproxy(self, rules: str = "") -> str:
        """The address of a tinyproxy."""
        port = self.proxy(
            "tinyproxy", TINYPROXY, lambda file: [program_path("tinyproxy"), "-d", "-c", str(file)], rules=rules
        )
        return f"http://{HOST}:{port}"

    def nginx(self, rules: str, tls: str = "") -> int:
        """The port of an nginx."""

        def command(file: Path) -> list[str]:
            return [
                program_path("nginx"),
                "-p",
                str(file.parent),
                "-c",
                str(file),
                "-e",
                str(file.parent / "error.log"),
            ]

        rules = rules.replace("TARGET", f"http://{HOST}:{self.target}")
        return self.proxy("nginx", NGINX, command, rules=rules, tls=tls)

    def haproxy(self, rules: str = "", target: int | None = None) -> int:
        """The port of a HAProxy."""
        target = self.target if target is None else target
        return self.proxy(
            "haproxy", HAPROXY, lambda file: [program_path("haproxy"), "-f", str(file)], rules=rules, target=target
        )

    def mitmproxy(self, *options: str) -> tuple[str, Path]:
        """The address of a mitmproxy, and the file with its authority."""
        place = mitmproxy_place()
        port = free_port()
        folder = self.folder / f"mitmproxy-{port}"
        folder.mkdir()
        own = ("--quiet", "--listen-host", HOST, "--listen-port", str(port), "--set", f"confdir={folder}")
        command = [str(place / "venv" / "bin" / "mitmdump"), *own, *options]
        self._stack.enter_context(run_listener(command, port))
        return f"http://{HOST}:{port}", folder / "mitmproxy-ca-cert.pem"

    def client(self, port: int | None = None, *, scheme: str = "http", **options: Any) -> Client:
        """A client of the emulator.

        Args:
            port: a proxy in front of the provider; None for the provider's own.
            scheme: of the address.
            options: of the client.
        """
        path = self.endpoint.base_url.split("/", 3)[3:]
        base_url = "/".join([f"{scheme}://{HOST}:{self.target if port is None else port}", *path])
        given = {"key": Key(self.endpoint.key), "base_url": base_url, "deadline_s": DEADLINE_S, **options}
        client: Client = self._stack.enter_context(Client("userplane", **given))
        return client


@contextmanager
def run_listener(command: list[str], port: int) -> Iterator[None]:
    """Run a program that listens on a port, until the block ends."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            until = time.monotonic() + START_WITHIN_S
            while not is_listening(port):
                if process.poll() is not None or time.monotonic() > until:
                    process.kill()
                    output = process.stdout.read().decode("utf-8", "replace") if process.stdout else ""
                    raise Failed(f"{command[0]} does not listen: {output.strip()}")
                time.sleep(0.02)
            yield
        finally:
            process.terminate()
            try:
                process.wait(3.0)
            except subprocess.TimeoutExpired:
                process.kill()


def is_listening(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    try:
        socket.create_connection((HOST, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A free port of this machine."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        port: int = held.getsockname()[1]
    return port


def program_path(program: str) -> str:
    """The path of a program.

    Raises:
        Failed: nowhere.
    """
    path = shutil.which(program, path=PLACES)
    if path is None:
        raise Failed(f"{program} is missing: apt-get install {' '.join(PROGRAMS)}")
    return path


def mitmproxy_place() -> Path:
    """The folder with the environment that holds mitmproxy."""
    lock = LOCKS / "proxies.txt"
    place = cache_folder("proxies", lock)
    if not (place / "ready").exists():
        venv.create(place / "venv", with_pip=True)
        python = str(place / "venv" / "bin" / "python")
        pip = (python, "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input")
        run(*pip, "install", "--require-hashes", "--requirement", str(lock))
        (place / "ready").touch()
    return place
