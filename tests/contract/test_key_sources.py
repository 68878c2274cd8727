# SPDX-License-Identifier: Apache-2.0
"""One contract for every key source: Callwell's own, and one that another package adds."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from callwell.errors import InvalidOption, KeyMissing
from callwell.keys.kinds import open_source
from callwell.keys.leased import LeasedSource
from callwell.keys.source import parse_source
from callwell.testing import check_key_source
from tests.keys.vault_server import TOKEN, FakeVault, fake_vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from callwell.keys import KeySource

PLUGIN = """
from pathlib import Path

from callwell.errors import KeyMissing
from callwell.keys import Key


class SampleSource:
    can_change = True
    lease_s = 60.0
    file = None

    def __init__(self, spec):
        spec.check_options(("lease",))
        self.location = f"sample:{spec.place}"
        self._path = Path(spec.place)

    def read(self):
        text = self._path.read_text()
        if text == "broken":
            raise ValueError(text)
        if text == "nothing":
            return None
        if not text:
            raise KeyMissing(f"no key: {self.location} is empty")
        return Key(text)

    def revision(self):
        return None


def broken(spec):
    raise RuntimeError(spec.place)
"""
"""The module of a package that adds a kind, as docs/how/key-sources.md shows it."""


class Case(NamedTuple):
    """A source, and how its key is stored.

    Attributes:
        source: the source.
        store: puts a key there, or takes it away.
    """

    source: KeySource
    store: Callable[[str | None], object]


def unwrapped(place: str, variable: str = "ACME_KEY") -> KeySource:
    """A source without the lease around it."""
    source = open_source(place, variable, accept_exposed=False)
    assert source is not None
    return source._inner if isinstance(source, LeasedSource) else source


def store_file(path: Path, text: str | None) -> None:
    """Write a private file, or empty it."""
    path.write_text(text or "")
    path.chmod(0o600)


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of moto, AWS's emulator in Python, as a server."""
    from moto.server import ThreadedMotoServer

    level = logging.getLogger("werkzeug").level
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()
        logging.getLogger("werkzeug").setLevel(level)


@pytest.fixture
def aws_client(aws: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Makes clients of services; this process has an account there."""
    import boto3

    values = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "eu-west-1"}
    for name, value in {**values, "AWS_ENDPOINT_URL": aws}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    make: Callable[[str], Any] = boto3.session.Session(region_name="eu-west-1").client
    return make


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeVault]:
    """A Vault that this process has a token for."""
    with fake_vault() as server:
        monkeypatch.setenv("VAULT_ADDR", server.address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        monkeypatch.delenv("VAULT_NAMESPACE", raising=False)
        yield server


@pytest.fixture
def keyring_passwords() -> Iterator[dict[tuple[str, str], str]]:
    """The passwords of a keyring in memory, which takes the place of the desktop's."""
    import keyring
    from keyring.backend import KeyringBackend

    passwords: dict[tuple[str, str], str] = {}

    class MemoryKeyring(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            """The password."""
            return passwords.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            """Store a password."""
            passwords[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            """Forget a password."""
            del passwords[service, username]

    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())  # type: ignore[no-untyped-call]
    yield passwords
    keyring.set_keyring(before)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that adds the kinds `sample` and `broken`."""
    site = tmp_path / "site"
    info = site / "sample_keys-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-keys\nVersion: 1.0\n")
    points = "sample = callwell_sample_keys:SampleSource\nbroken = callwell_sample_keys:broken\n"
    (info / "entry_points.txt").write_text(f"[callwell.key_sources]\n{points}")
    (site / "callwell_sample_keys.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "callwell_sample_keys", raising=False)
    return tmp_path


def store_secret(client: Any, text: str | None) -> None:
    """Put a JSON object with the key into Secrets Manager."""
    client.put_secret_value(SecretId="acme/key", SecretString=json.dumps({"key": text or ""}))


def store_parameter(client: Any, text: str | None) -> None:
    """Put the key into the Parameter Store, or delete it there."""
    if text is None:
        client.delete_parameter(Name="/acme/key")
    else:
        client.put_parameter(Name="/acme/key", Value=text, Type="SecureString", Overwrite=True)


def store_version(vault: FakeVault, text: str | None) -> None:
    """Write a version with the key into Vault, or delete the newest."""
    vault.secrets["|kv/data/acme/app"] = {"key": text, "note": "n"} if text else None


@pytest.fixture(params=["env", "file", "dir", "command", "sample"])
def local_case(request: pytest.FixtureRequest, plugin: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """Each source that needs nothing but this machine."""
    folder = plugin / "folder"
    folder.mkdir()
    path = folder / "acme-key"
    if request.param == "env":
        return Case(parse_source(None, "ACME_KEY"), lambda text: monkeypatch.setenv("ACME_KEY", text or ""))
    places = {"file": f"file:{path}", "dir": f"dir:{folder}", "command": f"command:cat {path}"}
    source = unwrapped(places.get(request.param, f"sample:{path}"))
    return Case(source, lambda text: store_file(path, text))


@pytest.fixture(params=["keyring", "vault", "aws-secret", "aws-secret:ssm"])
def served_case(request: pytest.FixtureRequest) -> Case:
    """Each source that another program keeps."""
    if request.param == "keyring":
        passwords = request.getfixturevalue("keyring_passwords")
        name = ("https://acme.example", "me")
        source = unwrapped("keyring:https://acme.example/me")
        return Case(source, lambda text: passwords.update({name: text or ""}))
    if request.param == "vault":
        vault = request.getfixturevalue("vault")
        return Case(unwrapped("vault:kv/acme/app#key"), lambda text: store_version(vault, text))
    if request.param == "aws-secret":
        manager = request.getfixturevalue("aws_client")("secretsmanager")
        manager.create_secret(Name="acme/key", SecretString="unset")
        return Case(unwrapped("aws-secret:acme/key#key"), lambda text: store_secret(manager, text))
    store = request.getfixturevalue("aws_client")("ssm")
    return Case(unwrapped("aws-secret:ssm:/acme/key"), lambda text: store_parameter(store, text))


def test_local_sources_keep_the_contract(local_case: Case) -> None:
    """What is there is read at once, changes show, and no text has the key."""
    check_key_source(local_case.source, local_case.store)


def test_served_sources_keep_the_contract(served_case: Case) -> None:
    """The same where another program keeps the key."""
    check_key_source(served_case.source, served_case.store)


def test_the_contract_has_teeth(tmp_path: Path) -> None:
    """A source that shows the key, or keeps an old one, is found."""
    path = tmp_path / "key"
    source = unwrapped(f"file:{path}")
    store_file(path, "old_key")
    with pytest.raises(AssertionError, match="the key that is there"):
        check_key_source(source, lambda _: None)
    source.location = "first_key_7f3a9c1e5b"  # type: ignore[misc] # on purpose
    with pytest.raises(AssertionError, match="no text contains the key"):
        check_key_source(source, lambda text: store_file(path, text))


@pytest.mark.parametrize(
    ("text", "problem"), [("broken", "the source failed with ValueError"), ("nothing", "the source returned none")]
)
def test_a_plugin_that_fails_shows_nothing(plugin: Path, text: str, problem: str) -> None:
    """Whatever another package raises, its text is not repeated; nor is it the cause that a traceback shows."""
    path = plugin / "stored"
    path.write_text(text)
    with pytest.raises(KeyMissing, match=problem) as caught:
        parse_source(f"sample:{path}", "").read()
    assert caught.value.__cause__ is None


@pytest.mark.usefixtures("plugin")
def test_a_plugin_checks_its_options() -> None:
    """An option that it does not have, and a package that cannot make its source, are options that are refused."""
    with pytest.raises(InvalidOption, match=r"sample\[other\]"):
        parse_source("sample[other]:x", "")
    with pytest.raises(InvalidOption, match="failed: RuntimeError") as caught:
        parse_source("broken:a_secret_text", "")
    assert "a_secret_text" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "fields", "problem"),
    [
        ("vault:kv/app", {"a": "1", "b": "2"}, "has several fields; name one after a #: a, b"),
        ("vault:kv/app#c", {"a": "1"}, "has no field c; it has: a"),
        ("vault:kv/app#a", {"a": 3}, "is empty, or not a string"),
        ("vault:kv/other", {"a": "1"}, "Vault has no such secret, or it was deleted"),
    ],
)
def test_vault_says_what_is_wrong(vault: FakeVault, place: str, fields: dict[str, Any], problem: str) -> None:
    """The fields are named, their strings never."""
    vault.secrets["|kv/data/app"] = fields
    with pytest.raises(KeyMissing, match=problem):
        unwrapped(place).read()


def test_vault_refusals(vault: FakeVault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead token, a sealed or unreachable Vault, a missing address: one line each, without the token."""
    source = unwrapped("vault:kv/app")
    vault.status = 503
    with pytest.raises(KeyMissing, match="Vault fails: VaultDown"):
        source.read()
    vault.status = 0
    monkeypatch.setenv("VAULT_TOKEN", "hvs.expired-and-fake")
    with pytest.raises(KeyMissing, match="Vault refuses the token") as caught:
        source.read()
    assert "hvs" not in str(caught.value)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    with pytest.raises(KeyMissing, match=r"Vault at 127\.0\.0\.1:1 cannot be reached"):
        source.read()
    monkeypatch.delenv("VAULT_ADDR")
    with pytest.raises(KeyMissing, match="set VAULT_ADDR"):
        source.read()


def test_vault_in_a_namespace(vault: FakeVault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Namespace and a mount with slashes are as the vault command line has them; a single field needs no name."""
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    vault.secrets["team|kv/deep/data/app/key"] = {"value": "a_key"}
    assert unwrapped("vault[mount=kv/deep]:app/key").read().reveal() == "a_key"


def test_aws_says_what_is_wrong(aws_client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """No such secret, binary, a field of plain text, no region; an ARN names the region itself."""
    manager = aws_client("secretsmanager")
    arn = manager.create_secret(Name="plain", SecretString="a_key")["ARN"]
    manager.create_secret(Name="binary", SecretBinary=b"a_key")
    for place, problem in [
        ("aws-secret:none", r"AWS refuses \(ResourceNotFoundException\)"),
        ("aws-secret:ssm:none", r"AWS refuses \(ParameterNotFound\)"),
        ("aws-secret:plain#field", "is not a JSON object, so it has no field field"),
        ("aws-secret:binary", "is empty, or binary"),
        ("aws-secret[profile=none]:plain", r"profile \(none\) could not be found"),
    ]:
        with pytest.raises(KeyMissing, match=problem):
            unwrapped(place).read()
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(KeyMissing, match="You must specify a region"):
        unwrapped("aws-secret:plain").read()
    assert unwrapped(f"aws-secret:{arn}").read().reveal() == "a_key"
    assert unwrapped("aws-secret[region=eu-west-1]:plain").read().reveal() == "a_key"


@pytest.mark.parametrize(
    ("place", "module", "package"),
    [("keyring:a/b", "keyring", "keyring"), ("vault:a/b", "hvac", "hvac"), ("aws-secret:a", "boto3", "boto3")],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, place: str, module: str, package: str) -> None:
    """One line with the command that installs it."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(KeyMissing, match=rf"needs the package {package}: .+ -m pip install .*{package}") as caught:
        unwrapped(place).read()
    assert str(caught.value).isprintable()


def test_no_keyring() -> None:
    """A server has none: the message says so."""
    import keyring
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(KeyMissing, match="this machine has no keyring"):
            unwrapped("keyring:a/b").read()
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize(
    "place",
    [
        "keyring:name",
        "keyring:/name",
        "vault:path",
        "vault[mount=x]:#field",
        "aws-secret:#field",
        "aws-secret[zone=x]:a",
        "command:unclosed 'quote",
        "command[lease=0]:true",
        "command[lease=soon]:true",
        "command[timeout=1e9]:true",
        "file[no-such-option]:x",
        "env[x]:NAME",
    ],
)
def test_places_that_cannot_be(place: str) -> None:
    """A mistake in a place is found when it is written, and not when the key is needed."""
    with pytest.raises(InvalidOption):
        parse_source(place, os.devnull)
