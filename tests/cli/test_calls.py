# SPDX-License-Identifier: Apache-2.0
"""Commands that go well: their results on standard output, everything else on standard error."""

from __future__ import annotations

import csv
import hashlib
import io
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from callwell.emulator.options import EmulatorOptions
from tests.cli.emulated import ADDRESS_VARIABLE, COMMAND, KEY_VARIABLE, PROVIDER, shell
from tests.patience import PATIENCE_S
from tests.processes.program import start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.emulated import Shell


def test_call_prints_the_result(cli: Shell) -> None:
    """A call prints its result as one line of JSON, and nothing else."""
    ended = cli.run("call", PROVIDER, "me.get")
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.out.splitlines()) == 1
    assert ended.json["user"]["name"] == "Ada Example"


def test_a_deprecated_operation_is_reported_once(tmp_path: Path) -> None:
    """On standard error, with the day on which it stops to answer, however many pages are read."""
    gone = EmulatorOptions(provider=(PROVIDER,), clock=clock(25), deprecated={"workspaces.list": 86_400})
    with start(gone) as running:
        ended = shell(tmp_path, running).run("list", PROVIDER, "workspaces.list", "--format", "jsonl")
    assert ended.code == 0
    assert ended.err.count("is deprecated since") == ended.err.count("will stop responding on") == 1


def test_raw_prints_the_body(cli: Shell) -> None:
    """--raw prints the body as it came."""
    ended = cli.run("call", PROVIDER, "me.get", "--raw")
    assert ended.json["data"]["user"]["name"] == "Ada Example"


def test_the_state_is_a_file_of_the_user(cli: Shell) -> None:
    """By default, commands share a file in the XDG state folder; CALLWELL_STATE and --state name others."""
    cli.run("call", PROVIDER, "me.get")
    assert (cli.folder / "state" / "callwell" / "state.db").is_file()
    cli.run("call", PROVIDER, "me.get", CALLWELL_STATE="sqlite:///one.db")
    cli.run("call", PROVIDER, "me.get", "--state", "sqlite:///two.db", CALLWELL_STATE="sqlite:///three.db")
    assert {path.name for path in cli.folder.glob("*.db")} == {"one.db", "two.db"}


def test_the_option_beats_the_environment(cli: Shell) -> None:
    """--base-url goes before the variable, --key before the provider's own variable."""
    address = cli.variables[ADDRESS_VARIABLE]
    changes = {ADDRESS_VARIABLE: "http://127.0.0.1:1", KEY_VARIABLE: None, "OTHER": cli.key}
    ended = cli.run("call", PROVIDER, "me.get", "--base-url", address, "--key", "env:OTHER", **changes)
    assert ended.code == 0, ended.err


def test_verbose_tells_without_the_key(cli: Shell) -> None:
    """-v shows the attempts on standard error, never the key."""
    ended = cli.run("call", PROVIDER, "me.get", "-v")
    assert ended.code == 0
    assert "me.get attempt 1: 200" in ended.err
    assert cli.key not in ended.err


def test_list_ends_with_the_verdict(cli: Shell, place: dict[str, str]) -> None:
    """All items come as lines of JSON, the verdict is the last line of standard error."""
    ended = cli.run("list", PROVIDER, "recordings.list", place["workspace"])
    assert ended.code == 0
    assert len({item["recordingId"] for item in ended.lines}) == int(place["count"])
    assert ended.err.splitlines()[-1] == f"complete: {place['count']} items on 2 pages"


def test_list_reads_several_pages_at_once(cli: Shell, place: dict[str, str]) -> None:
    """At any depth the same items come in the same order."""
    one, eight = (
        cli.run("list", PROVIDER, "recordings.list", place["workspace"], "per_page=2", "--depth", depth)
        for depth in ("0", "8")
    )
    assert one.code == eight.code == 0
    assert (one.lines, one.err) == (eight.lines, eight.err)
    assert len(eight.lines) == int(place["count"])


def test_list_shows_no_signed_address(cli: Shell, place: dict[str, str]) -> None:
    """Where a signed address would stand, the operation that leads to the file stands."""
    ended = cli.run("list", PROVIDER, "recordings.list", place["workspace"])
    assert {item["recordingThumbnail"] for item in ended.lines} <= {"recordings.thumbnail", None}
    assert "http" not in ended.out


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table"])
def test_formats_have_every_item(cli: Shell, place: dict[str, str], form: str) -> None:
    """Every format has every item, and pages of another size change nothing."""
    ended = cli.run("list", PROVIDER, "recordings.list", place["workspace"], "--format", form, "per_page=7")
    assert ended.code == 0
    assert place["recording"].partition("=")[2] in ended.out
    count = {
        "json": lambda: len(ended.json),
        "jsonl": lambda: len(ended.lines),
        "csv": lambda: len(list(csv.DictReader(io.StringIO(ended.out)))),
        "table": lambda: len(ended.out.splitlines()) - 2,
    }[form]()
    assert count == int(place["count"])


def test_an_empty_list_is_complete(cli: Shell, place: dict[str, str]) -> None:
    """Nothing to list is an empty JSON list and a complete one."""
    ended = cli.run("list", PROVIDER, "recordings.list", place["workspace"], "link_id=nobody", "--format", "json")
    assert (ended.code, ended.json, ended.err) == (0, [], "complete: 0 items on 1 page\n")


def test_a_list_parameter_is_repeated(cli: Shell, place: dict[str, str]) -> None:
    """Giving a list parameter twice asks for both."""
    links = cli.run("list", PROVIDER, "links.list", place["workspace"]).lines
    projects = sorted({link["project"]["projectId"] for link in links})
    given = [f"project_id={project}" for project in projects]
    both = cli.run("list", PROVIDER, "links.list", place["workspace"], *given)
    assert len(both.lines) == len(links)
    result = cli.run("list", PROVIDER, "links.list", place["workspace"], given[0])
    assert 0 < len(result.lines) < len(links)


def test_limit_is_truncation(cli: Shell, place: dict[str, str]) -> None:
    """A list cut by --limit says so and has done what it should; a limit that cuts nothing does no harm."""
    ended = cli.run("list", PROVIDER, "recordings.list", place["workspace"], "--limit", "3")
    assert (ended.code, len(ended.lines)) == (0, 3)
    assert ended.err == "truncated: 3 items on 1 page; stopped at --limit 3\n"
    whole = cli.run("list", PROVIDER, "recordings.list", place["workspace"], "--limit", place["count"])
    assert whole.code == 0


def test_a_list_that_moves_is_not_complete(cli: Shell, place: dict[str, str]) -> None:
    """A list that shifts while it is read ends as drifted, with exit code 1."""
    cli.steer("/faults", [{"operation": "recordings.list", "fault": "shifted_page", "nth": [2], "seed": 1}])
    try:
        ended = cli.run("list", PROVIDER, "recordings.list", place["workspace"], "per_page=5")
    finally:
        cli.steer("/faults", [])
        cli.steer("/seed", {"seed": 1})
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith("drifted: ")


def test_a_file_is_described_without_its_address(cli: Shell, place: dict[str, str]) -> None:
    """An operation that leads to a file prints what is known about it, but not the signed address."""
    ended = cli.run("call", PROVIDER, "recordings.thumbnail", place["workspace"], place["recording"])
    assert ended.json["available"] is True
    assert ended.json["type"] == "image/webp"
    assert "http" not in ended.out


def test_a_file_is_saved_or_printed(cli: Shell, place: dict[str, str]) -> None:
    """--out saves the file and prints its checksum; --out - prints the same bytes."""
    call = ("call", PROVIDER, "recordings.thumbnail", place["workspace"], place["recording"], "--out")
    saved = cli.run(*call, "picture.webp")
    body = (cli.folder / "picture.webp").read_bytes()
    assert saved.json["sha256"] == hashlib.sha256(body).hexdigest()
    assert saved.json["size"] == len(body)
    printed = subprocess.run(
        [*COMMAND, *call, "-"], cwd=cli.folder, env=cli.variables, capture_output=True, timeout=PATIENCE_S, check=True
    )
    assert printed.stdout == body


def test_providers_tell_of_the_key_not_the_key(cli: Shell) -> None:
    """Providers are reported with address, key source and number of operations."""
    ended = cli.run("providers", "--json")
    [known] = [item for item in ended.json if item["name"] == PROVIDER]
    assert known["environments"]["production"] == {
        "base_url": cli.variables[ADDRESS_VARIABLE],
        "from": f"env:{ADDRESS_VARIABLE}",
        "default": True,
        "key": {"location": f"env:{KEY_VARIABLE}", "present": True, "valid": True},
        "operations": known["operations"],
    }
    assert known["operations"] > 20
    table = cli.run("providers", **{KEY_VARIABLE: None})
    assert PROVIDER in table.out
    assert cli.key not in ended.out + table.out


def test_keys_list_tells_what_is_there(cli: Shell) -> None:
    """A key that is there, one that is not, and one of another make are distinguished; none is shown."""
    there, missing, strange = (
        cli.run("keys", "list", PROVIDER, "--json", **{KEY_VARIABLE: text}) for text in (cli.key, None, "strange-key")
    )
    assert [there.json[0][name] for name in ("present", "valid", "problem")] == [True, True, None]
    assert len(there.json[0]["fingerprint"]) == 12
    assert [missing.json[0][name] for name in ("present", "valid", "fingerprint")] == [False, None, None]
    assert [strange.json[0][name] for name in ("present", "valid")] == [True, False]
    assert cli.key not in there.out
    assert "strange-key" not in strange.out


def test_keys_list_tells_of_use(cli: Shell) -> None:
    """Keys that were used are reported with how often and when, also those that are at their place no more."""
    before = cli.run("keys", "list", PROVIDER, "--json").json
    assert [(item["clients"], item["first"], item["last"]) for item in before] == [(0, None, None)]
    for minute in range(2):
        later = f"1@{time.monotonic()}@{1_800_000_000 + 60 * minute}"
        cli.run("call", PROVIDER, "me.get", "--key", "env:OTHER", OTHER=cli.key, CALLWELL_CLOCK=later)
    [after] = cli.run("keys", "list", PROVIDER, "--json").json
    assert after["clients"] == 2
    assert after["first"] < after["last"]
    other, used = cli.run("keys", "list", PROVIDER, "--json", **{KEY_VARIABLE: "uspl_never_used"}).json
    assert (other["clients"], used["clients"]) == (0, 2)
    assert (used["location"], used["fingerprint"]) == ("env:OTHER", after["fingerprint"])
    assert "delete it at the provider" in used["problem"]


def test_keys_drill_tells_what_is_proved(cli: Shell) -> None:
    """A key in a variable fails the drill, and a program that makes no call has not been drilled."""
    ended = cli.run("keys", "drill", PROVIDER)
    assert ended.code == 1
    assert f"FAILED  the key is in env:{KEY_VARIABLE}, which cannot change" in ended.out
    assert ended.out.endswith("not passed\n")
    (cli.folder / "key").write_text(cli.key)
    command = shlex.join([sys.executable, "-c", "pass"])
    ended = cli.run("keys", "drill", PROVIDER, "--key", "file:key", "--run", command, "--json")
    assert ended.code == 2
    [found] = ended.json
    assert (found["subject"], found["passed"], found["proofs"]) == ("the program", False, [])
    assert "none of the program's requests reached" in found["unchecked"][0]["what"]
    assert "a command as a shell reads it" in cli.fails(2, "keys", "drill", PROVIDER, "--run", "'open")


def test_keys_where_warns_of_open_files(cli: Shell) -> None:
    """The order of the places is reported, and that others can read a file."""
    file = cli.folder / "key"
    file.write_text(cli.key)
    file.chmod(0o644)
    ended = cli.run("keys", "where", PROVIDER, "--key", "file:key")
    assert ended.code == 0
    assert "chmod 600 key" in ended.out
    assert ended.out.index("--key") < ended.out.index(f"env:{KEY_VARIABLE}")
    file.chmod(0o600)
    assert "chmod" not in cli.run("keys", "where", PROVIDER, "--key", "file:key").out
    assert "cannot change" in cli.run("keys", "where", PROVIDER).out
    assert cli.key not in ended.out
