# SPDX-License-Identifier: Apache-2.0
"""`callwell keys rotate`: asks on a terminal, and elsewhere says which step waits; bad input is refused in one line."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.cli.emulated import COMMAND, PROVIDER
from tests.emulator.harness import fetch
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.cli.emulated import Ended, Shell

ROTATE = ("keys", "rotate", PROVIDER)


class Site(NamedTuple):
    """A key in a file, and the command line."""

    cli: Shell

    @property
    def variables(self) -> dict[str, str]:
        """What leads the command to the key file."""
        return {f"CALLWELL_{PROVIDER.upper()}_KEY": f"file:{self.cli.folder / 'key'}"}

    def store(self, text: str) -> None:
        """Put a string at the place of the key."""
        file = self.cli.folder / "key"
        file.touch(mode=0o600)
        file.write_text(text)

    def make_key(self, how: str) -> str:
        """A new key from the emulator: `create` leaves the old one valid, `rotate` does not."""
        text: str = fetch(f"{self.cli.control}/keys/{how}", "POST", body=b"{}").json["key"]
        return text

    def run(self, *arguments: str) -> Ended:
        """Run the command without a terminal."""
        return self.cli.run(*ROTATE, *arguments, **self.variables)


@pytest.fixture
def site(cli: Shell) -> Site:
    """The emulator's key in a file."""
    made = Site(cli)
    made.store(cli.key)
    return made


def test_without_a_terminal_it_says_which_step_waits(site: Site) -> None:
    """Each command goes on where the one before has stopped; a refused key has an exit code of its own."""
    plan = site.run("--dry-run").out
    assert "6 of 6  revoke" in plan
    assert "This is a dry run" in plan
    assert site.run("--status").out.startswith(f"{PROVIDER} (production): no rotation on sqlite:///")
    first = site.run()
    assert (first.code, first.err) == (
        1,
        f"callwell: the step create waits: the source still has the old key {old_of(site)}\n",
    )
    assert f"mv {site.cli.folder}/key.new {site.cli.folder}/key" in first.out
    site.store("uspl_wrong")
    refused = site.run("--json")
    assert (refused.code, refused.json["waits_for"]["step"]) == (3, "canary")
    assert "API_KEY_INVALID" in refused.json["waits_for"]["reason"]
    new = site.make_key("create")
    site.store(new)
    waiting = site.run("--json")
    assert (waiting.code, waiting.json["waits_for"]["step"]) == (1, "revoke")
    ended = site.run("--confirm", "revoke")
    assert ended.code == 0
    assert "revoke" in ended.out.splitlines()[-3]
    assert ended.out.splitlines()[-1].startswith("done at ")
    status = site.run("--status", "--json").json
    assert (status["ended"], [proof["step"] for proof in status["proofs"]]) == ("done", status["steps"])
    assert "revoked" in site.cli.run("keys", "list", PROVIDER).out
    for text in (first, refused, waiting, ended):
        assert site.cli.key not in text.out + text.err
        assert new not in text.out + text.err


def old_of(site: Site) -> str:
    """The fingerprint of the key that is replaced."""
    old: str = site.run("--status", "--json").json["old"]
    return old


def test_on_a_terminal_a_person_is_led_through(site: Site) -> None:
    """Where the old key dies first, all is prepared before; the provider's refusal of it ends the rotation."""
    main, secondary = pty.openpty()
    variables = {**site.cli.variables, **site.variables, "TERM": "dumb"}
    process = subprocess.Popen(
        [*COMMAND, *ROTATE, "--no-overlap"],
        cwd=site.cli.folder,
        env=variables,
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
    )
    os.close(secondary)
    try:
        text = read_until(main, "Press Enter when you are ready")
        os.write(main, b"\n")
        text += read_until(main, "waits: the source still has")
        site.store(site.make_key("rotate"))
        text += read_until(main, "done at")
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)
    assert "the provider refuses it; marked as revoked for all processes" in text
    assert site.cli.key not in text


def read_until(terminal: int, sign: str) -> str:
    """What a terminal shows until it has shown a sign."""
    shown = ""
    while sign not in shown:
        shown += os.read(terminal, 65_536).decode()
    return shown


def test_a_rotation_is_given_up_once(site: Site) -> None:
    """Another can begin afterwards, for the same key."""
    site.run()
    assert "begun with --overlap" in site.cli.fails(2, *ROTATE, "--no-overlap", **site.variables)
    assert "abandoned at" in site.run("--abandon").out
    assert "no rotation is under way" in site.cli.fails(2, *ROTATE, "--abandon", **site.variables)
    assert site.run().code == 1


def test_what_cannot_be_rotated(site: Site) -> None:
    """Each problem is one line that says what to do."""
    fails = site.cli.fails
    assert "unknown provider" in fails(2, "keys", "rotate", "nobody")
    assert "cannot change in a running process: keep it in a file" in fails(2, *ROTATE)
    assert "no process shares" in fails(2, *ROTATE, "--state", "memory:", **site.variables)
    assert "prepare or revoke" in fails(2, *ROTATE, "--confirm", "switch", **site.variables)
    site.store("")
    assert "is empty" in fails(3, *ROTATE, **site.variables)
