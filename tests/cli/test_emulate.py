# SPDX-License-Identifier: Apache-2.0
"""`callwell emulate` says where everything is, serves, and ends quietly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from callwell.cli.commands import load
from callwell.cli.emulate import FIELDS_WITH_FLAG
from callwell.extras import install_command
from tests.cli.emulated import ADDRESS_VARIABLE, KEY_VARIABLE, PROVIDER, started
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.cli.emulated import Shell
    from tests.processes.program import Program

BLOCKED = """\
import sys
sys.modules["uvicorn"] = None
from callwell.cli.main import main
sys.exit(main(["emulate"]))
"""


def line(process: Program[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_json_is_one_line(cli: Shell, number: signal.Signals) -> None:
    """--json prints one line by which other commands find the emulator, until Ctrl-C or SIGTERM."""
    with started(
        cli, "emulate", "--json", "--scale", "50", "--recordings", "3", "--seed", "5", CALLWELL_CLOCK=""
    ) as process:
        reported = json.loads(line(process))
        assert sorted(reported) == ["clock", "control", "providers"]
        assert reported["clock"].startswith("50@")
        point = reported["providers"][PROVIDER]["production"]
        changes = {ADDRESS_VARIABLE: point["base_url"], KEY_VARIABLE: point["key"], "CALLWELL_CLOCK": reported["clock"]}
        ended = cli.run("call", PROVIDER, "me.get", **changes)
        assert ended.json["stats"]["recordings"] == 3
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE_S) == ("", "")
        assert process.returncode == 0


def test_every_option_can_be_given(cli: Shell) -> None:
    """Every option of the emulator has a flag or is taken by --set, and all arrive."""
    given = {
        "--rate-headers": "draft",
        "--skew": "-90",
        "--deprecated": "me.get=86400",
        "--window": "sliding",
        "--url-life": "7",
        "--per-minute": "5",
    }
    words = [word for pair in given.items() for word in pair]
    words += ["--set", "links_limit=3", "--set", "old-meta-name=true", "--deprecated", "links.list", "--retry-after"]
    with started(cli, "emulate", "--json", "--provider", PROVIDER, *words, CALLWELL_CLOCK="") as process:
        reported = json.loads(line(process))
        with urlopen(f"{reported['control']}/health", timeout=PATIENCE_S) as answer:  # noqa: S310 - our own process
            options = json.load(answer)["options"][PROVIDER]
    expected = {"rate_headers": "draft", "skew_s": -90, "window": "sliding", "url_life_s": 7, "per_minute": 5}
    expected |= {"links_limit": 3, "old_meta_name": True, "retry_after": True}
    expected |= {"deprecated": {"me.get": 86400, "links.list": None}}
    assert {name: options[name] for name in expected} == expected
    flags = {name for parameter in load("emulate").params for name in parameter.opts}
    like_fields = FIELDS_WITH_FLAG - {"clock", "settings"}
    spelt = {"--scale", "--set"} | {f"--{name.removesuffix('_s').replace('_', '-')}" for name in like_fields}
    assert spelt <= flags


def test_lines_to_paste(cli: Shell) -> None:
    """Without --json, what is printed can be pasted into a shell."""
    with started(cli, "emulate", "--scale", "50", CALLWELL_CLOCK="") as process:
        shown: list[str] = []
        while not shown or "Ctrl-C" not in shown[-1]:
            shown.append(line(process))
        pasted = "".join(text for text in shown if text.startswith("export "))
        command = f"{pasted}{sys.executable} -m callwell call {PROVIDER} me.get"
        kept = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(cli.folder)}
        done = subprocess.run(
            ["/bin/sh", "-c", command], env=kept, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["user"]


def test_without_the_extra(cli: Shell) -> None:
    """Without its extra, one line says how to install it."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], env=cli.variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7
    assert len(done.stderr.splitlines()) == 1
    assert install_command("emulator") in done.stderr
