# SPDX-License-Identifier: Apache-2.0
"""`callwell upload`: every file once, whatever becomes of the others and of the process."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from callwell.emulator.options import EmulatorOptions
from clips import clip
from tests.cli.emulated import Ended, Shell
from tests.emulator.harness import fetch
from tests.patience import PATIENCE_S
from tests.processes.program import Program, popen, start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.emulator.process import Running

PROVIDER = "apivideo"
PIECE = 5 << 20
ROOMY = {f"{PROVIDER}.{name}": "10000" for name in ("reads", "writes", "uploads")}


@dataclass(frozen=True, slots=True)
class Studio:
    """The command line, and films in its folder.

    Attributes:
        cli: the command line.
        running: the emulator.
    """

    cli: Shell
    running: Running

    def film(self, name: str, size: int = 0) -> str:
        """A film of its own kind."""
        (self.cli.folder / name).write_bytes(
            clip(seconds=1) + bytes((0, 0, 0, 8)) + b"free" if not size else clip(size)
        )
        return name

    def upload(self, *arguments: str) -> Ended:
        """Run the command."""
        return self.cli.run("upload", PROVIDER, *arguments, "--quiet")

    def report(self, *arguments: str) -> Any:
        """The report of a command."""
        return self.upload(*arguments, "--json").json

    def counts(self, environment: str = "production") -> Any:
        """What the emulator has counted."""
        return fetch(f"{self.running.control}/ledger").json[f"{PROVIDER}/{environment}"]["counts"]

    def pieces(self) -> int:
        """Pieces that have arrived."""
        rows = fetch(f"{self.running.control}/ledger/requests").json
        return sum(row["operation"] == "videos.upload" for row in rows)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """An account without videos."""
    with start(EmulatorOptions(provider=(PROVIDER,), clock=clock(25), settings=ROOMY)) as running:
        point = running.endpoint(PROVIDER)
        sandbox = running.endpoint(PROVIDER, "sandbox")
        variables = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "APIVIDEO_API_KEY": point.key,
            "APIVIDEO_SANDBOX_API_KEY": sandbox.key,
            "APIVIDEO_BASE_URL": point.base_url,
            "CALLWELL_CLOCK": running.endpoints.clock or "",
            "PYTHONUTF8": "1",
        }
        yield Studio(Shell(tmp_path, variables, point.key, running.control), running)


def started(studio: Studio, *arguments: str, stderr: int = subprocess.PIPE) -> Program[str]:
    """The command, while it runs."""
    command = ["-m", "callwell", "upload", PROVIDER, *arguments]
    return popen(command, folder=studio.cli.folder, variables=studio.cli.variables, stderr=stderr)


def stopped(studio: Studio, number: int, pieces: int, *arguments: str) -> tuple[int, str]:
    """Start the command and send it a signal when so many pieces have come; how it ended, and what it said.

    The next pieces get no response until then: a signal that comes late finds the uploads where they were.
    """
    nth = list(range(pieces + 1, 2 * pieces + 1))
    studio.cli.steer("/faults", [{"operation": "videos.upload", "fault": "hang", "nth": nth, "delay_s": 60}])
    process = started(studio, *arguments)
    until = time.monotonic() + PATIENCE_S
    while studio.pieces() < pieces:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(number)
    _, printed = process.communicate(timeout=PATIENCE_S)
    studio.cli.steer("/faults", [])
    return process.wait(), printed


def test_files_get_their_names_as_titles(studio: Studio) -> None:
    """And the tags and what else was set; the table names each file and its video."""
    files = [studio.film("a talk.mp4"), studio.film("other.mp4", 2 * PIECE)]
    ended = studio.upload(*files, "--tag", "one", "--tag", "two", "--set", "public=false", "--wait", "playable")
    assert (ended.code, ended.err) == (0, "")
    videos = listed(studio)
    assert sorted(video["title"] for video in videos) == ["a talk", "other"]
    assert all((video["tags"], video["public"]) == (["one", "two"], False) for video in videos)
    lines = ended.out.splitlines()
    assert all(
        any(file in line and video["videoId"] in line for line in lines) for file, video in _pairs(files, videos)
    )


def listed(studio: Studio) -> list[Any]:
    """The videos as the provider lists them."""
    return studio.cli.run("list", PROVIDER, "videos.list", "--format", "jsonl").lines


def _pairs(files: list[str], videos: list[Any]) -> list[tuple[str, Any]]:
    by_title = {video["title"]: video for video in videos}
    return [(file, by_title[file.removesuffix(".mp4")]) for file in files]


def test_some_fail_and_the_others_go_on(studio: Studio) -> None:
    """Exit code 1; a line for each that failed; the same command sends only what is missing, and then begins again."""
    (studio.cli.folder / "bad.mp4").write_text("not a film")
    files = [studio.film("good.mp4"), "bad.mp4"]
    ended = studio.cli.run("upload", PROVIDER, *files)
    assert ended.code == 1
    assert ended.err.startswith("bad.mp4: this is not a media file")
    assert ended.err.count("\n") == 1
    before = studio.pieces()
    report = studio.report(*files)
    assert (report["verdict"], studio.pieces()) == ("failed", before)
    good, bad = report["files"]
    assert (good["file"], good["bytes"] > 0, good["pieces"], good["error"]) == ("good.mp4", True, 1, None)
    assert (bad["id"], "this is not a media file" in bad["error"]) == (None, True)
    studio.film("bad.mp4")
    assert [file["id"] == good["id"] for file in studio.report(*files)["files"]] == [True, False]
    before = studio.pieces()
    known = studio.upload(*files, "--json")
    assert (known.json["files"][0]["id"], studio.pieces()) == (good["id"], before)
    assert "--force" in known.err
    assert studio.report(*files, "--force")["files"][0]["id"] != good["id"]
    assert studio.counts()["duplicate_videos"] == 0


def test_what_is_left_behind_is_named(studio: Studio) -> None:
    """A piece is refused for good: the video has its name in the line, and the same command goes on with it."""
    refused = {"operation": "videos.upload", "fault": "error_before", "nth": [2], "status": 403}
    studio.cli.steer("/faults", [refused])
    file = studio.film("film.mp4", 3 * PIECE)
    arguments = (file, "--piece-size", str(PIECE), "--pieces", "1")
    (failed,) = studio.report(*arguments)["files"]
    assert failed["id"] in failed["error"]
    assert "1 of 3 pieces" in failed["error"]
    (done,) = studio.report(*arguments)["files"]
    assert (done["id"], done["error"]) == (failed["id"], None)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_stopped_goes_on(studio: Studio, number: int) -> None:
    """The same command ends it: every film once, byte for byte; who can still speak says so."""
    files = [studio.film(f"{name}.mp4", 6 * PIECE) for name in "abcd"]
    # One piece of each of the four files is under way at once: so many can have come without being recorded.
    arguments = (*files, "--pieces", "1", "--piece-size", str(PIECE), "--json")
    code, printed = stopped(studio, number, 4, *arguments)
    assert code in (-number, 128 + number)
    if number != signal.SIGKILL:
        assert printed.splitlines()[0] == "finished pieces are kept; run the same command again to continue"
    report = studio.report(*arguments[:-1])
    counts = studio.counts()
    assert (report["verdict"], len({file["id"] for file in report["files"]})) == ("complete", 4)
    assert (counts["videos"], counts["duplicate_videos"]) == (4, 0)
    assert counts["resent_bytes"] <= 4 * PIECE


def test_a_line_now_and_then_and_bars_on_a_terminal(studio: Studio) -> None:
    """Bars for the whole and for each file where somebody looks."""
    files = [studio.film(f"{name}.mp4", 2 * PIECE) for name in "ab"]
    ours, theirs = pty.openpty()
    process = started(studio, *files, "--wait", "playable", stderr=theirs)
    os.close(theirs)
    shown = bytearray()
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    process.communicate(timeout=PATIENCE_S)
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0, text
    assert "files" in text
    assert "a.mp4" in text
    assert "of 21.0 MB" in text


def test_the_sandbox_says_what_happens(studio: Studio) -> None:
    """Each warning is in the report, with the time of deletion."""
    url = studio.running.endpoint(PROVIDER, "sandbox").base_url
    (one,) = studio.report(studio.film("film.mp4"), "--environment", "sandbox", "--base-url", url)["files"]
    assert [warning["kind"] for warning in one["warnings"]] == ["watermark", "deleted"]
    assert one["warnings"][1]["at"] > time.time()


@pytest.mark.parametrize(
    ("code", "arguments", "printed"),
    [
        (2, ("film.mp4", "film.mp4"), "each file once"),
        (2, ("film.mp4", "link.mp4"), "as film.mp4"),
        (7, ("film.mp4", "nowhere.mp4"), "nowhere.mp4: cannot be read: No such file"),
        (11, ("film.mp4", "."), "it is a folder"),
        (2, ("film.mp4", "--wait", "soon"), "unknown state 'soon'"),
        (2, ("film.mp4", "--set", "colour=red"), "unknown parameter 'colour'"),
        (2, ("film.mp4", "--set", "public=perhaps"), "true or false"),
        (2, ("film.mp4", "--piece-size", "5"), "piece_size cannot be 5"),
        (2, ("film.mp4", "other.mp4", "--title", "One"), "--title needs a single FILE"),
        (2, ("film.mp4", "other.mp4", "--set", "video_id=vi1"), "give a single FILE"),
        (2, (), "FILE"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    studio: Studio, code: int, arguments: tuple[str, ...], printed: str
) -> None:
    """One line, and the right code."""
    for name in ("film.mp4", "other.mp4"):
        studio.film(name)
    (studio.cli.folder / "link.mp4").symlink_to("film.mp4")
    assert printed in studio.cli.fails(code, "upload", PROVIDER, *arguments)
    assert studio.pieces() == 0


def test_a_provider_that_takes_no_files(studio: Studio) -> None:
    """That is said."""
    line = studio.cli.fails(2, "upload", "userplane", studio.film("film.mp4"), USERPLANE_API_KEY="uspl_" + "a" * 32)
    assert "large files" in line
