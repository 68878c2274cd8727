# SPDX-License-Identifier: Apache-2.0
"""`callwell keys revoked`: other processes stop sending the key, and the command says what else to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.emulated import PROVIDER
from tests.patience import PATIENCE_S
from tests.processes.program import popen

if TYPE_CHECKING:
    from tests.cli.emulated import Shell

CALLER = """
import os, sys, threading
from callwell import Client, KeyProblem
from callwell.clock import parse_clock

clock = parse_clock(os.environ["CALLWELL_CLOCK"])
state = f"sqlite:///{os.environ['XDG_STATE_HOME']}/callwell/state.db"
with Client("userplane", base_url=os.environ["USERPLANE_BASE_URL"], state=state, clock=clock) as client:
    client.me.get()
    print("calling", flush=True)
    while True:
        try:
            client.me.get()
        except KeyProblem as error:
            print(type(error).__name__, error)
            break
        threading.Event().wait(0.05)
"""


def test_another_process_stops_sending_a_revoked_key(cli: Shell) -> None:
    """Its next calls fail with the time and the remedy, and so do commands, until the mark is taken back."""
    (cli.folder / "caller.py").write_text(CALLER, encoding="utf-8")
    with popen(["caller.py"], folder=cli.folder, variables=cli.variables) as caller:
        try:
            assert caller.stdout is not None
            assert caller.stdout.readline() == "calling\n"
            [row] = cli.run("keys", "list", PROVIDER, "--json").json
            marked = cli.run("keys", "revoked", row["fingerprint"][:6])
            out, complaints = caller.communicate(PATIENCE_S)
        finally:
            caller.kill()
    assert "Now revoke it at Userplane as well: https://" in marked.out
    assert out.startswith(f"KeyRevoked userplane: the key {row['fingerprint']} (env:"), complaints
    assert "--undo)" in cli.fails(3, "call", PROVIDER, "me.get")
    [row] = cli.run("keys", "list", PROVIDER, "--json").json
    assert row["revoked"]
    assert row["revoked"] in row["problem"]
    assert "no longer marked" in cli.run("keys", "revoked", row["fingerprint"], "--undo").out
    assert cli.run("call", PROVIDER, "me.get").code == 0


def test_what_cannot_be_marked(cli: Shell) -> None:
    """A key itself is not repeated; an unknown fingerprint needs the provider; nothing shares the memory."""
    assert cli.key not in cli.fails(2, "keys", "revoked", cli.key)
    assert "--provider" in cli.fails(2, "keys", "revoked", "0123456789ab")
    assert "memory:" in cli.fails(2, "keys", "revoked", "0123456789ab", "--state", "memory:")
    [mark] = cli.run("keys", "revoked", "0123456789ab", "--provider", PROVIDER, "--json").json
    assert (mark["fingerprint"], mark["changed"]) == ("0123456789ab", True)
    assert mark["revoked"]
    listed = cli.run("keys", "list", PROVIDER, "--json").json
    assert [row["fingerprint"] for row in listed if row["revoked"]] == ["0123456789ab"]
    cli.run("keys", "revoked", "0123456789ac", "--provider", PROVIDER)
    assert "several keys: 0123456789ab, 0123456789ac" in cli.fails(2, "keys", "revoked", "0123")
