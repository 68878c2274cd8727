# SPDX-License-Identifier: Apache-2.0
"""How fast a document becomes a client, and how much of it: on documents as their providers publish them.

The documents are not part of the project. `BENCH_DOCUMENTS` names a folder with `*.json.gz` and `*.yaml.gz`; by default
it is `../shared/openapi`. openapi-python-client and aiopenapi3 run in their own venv, `.cache/describe`, made of
`requirements/describe.txt`.

openapi-python-client formats what it has written with ruff, which its documentation says to install with it. So its
scripts are on the PATH here. Without ruff it only warns, and leaves code that is not formatted: `unformatted` measures
that. What `callwell generate` writes is formatted already.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.rounds import Sample

ROUNDS: Final = 5
FOLDER: Final = Path(os.environ.get("BENCH_DOCUMENTS", rounds.ROOT.parent / "shared" / "openapi"))
REQUIREMENTS: Final = rounds.ROOT / "requirements" / "describe.txt"
LARGE: Final = "github"
"""The document of all figures but the shares: the largest."""

SCRIPTS: Final = Path(sys.executable).parent
LOAD: Final = """\
import json, sys, time
from callwell import Client, Key
began = time.perf_counter()
Client(sys.argv[1], key=Key("bench")).close()
print(json.dumps({"s": time.perf_counter() - began}))
"""
"""The first client of a program, without `import callwell`, which `startup` measures."""

AIOPENAPI3: Final = """\
import sys
from pathlib import Path
from aiopenapi3 import OpenAPI
from aiopenapi3.loader import FileSystemLoader
file = Path(sys.argv[1])
OpenAPI.load_file("http://127.0.0.1/", file, loader=FileSystemLoader(file.parent))
"""
"""How aiopenapi3 makes a client of a file."""

HTTPX: Final = "import sys; sys.modules['click'] = None; import httpx"
VARIANTS: Final = ("load", "warm", "generate", "openapi_python_client", "unformatted", "import_package", "import_httpx")
OTHERS: Final = {"openapi_python_client": "generate", "aiopenapi3": "load"}
"""What the other tools do, in our words."""


def run() -> Sample:
    """Measure.

    Raises:
        SystemExit: there are no documents, which is no failure.
    """
    packed = sorted(FOLDER.glob("*.gz"))
    if not packed:
        print(f"bench: {FOLDER} has no documents; name the folder that has them in BENCH_DOCUMENTS", file=sys.stderr)
        raise SystemExit(0)
    tools = _other_tools()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        read = {file.name.partition(".")[0]: _describe(file, work) for file in packed}
        commands = _commands(LARGE, work, tools)
        _run(commands["generate"], work)
        _run(commands["warm"], work)
        done = rounds.run_interleaved(VARIANTS, ROUNDS, lambda variant: _one(variant, commands, work))
        for document, sample in read.items():
            sample["times_ours"] = {tool: _times_ours(tool, document, work, tools) for tool in OTHERS}
    return _figures(done, read) | {
        "documents": read,
        "real_s": {name: round(rounds.median(done, name, "real_s"), 3) for name in VARIANTS},
        "cpu_s": {name: round(rounds.median(done, name, "cpu_s"), 3) for name in VARIANTS},
        "mib": {name: round(rounds.median(done, name, "mib"), 1) for name in VARIANTS},
        "rounds": ROUNDS,
        "versions": {"callwell": version("callwell"), "httpx": version("httpx"), **_versions(tools)},
    }


def _figures(done: Sequence[dict[str, Sample]], read: dict[str, Sample]) -> Sample:
    """The figures that have a goal."""

    def spread(variant: str, field: str, factor: float = 1) -> rounds.Ratio:
        values = [samples[variant][field] * factor for samples in done]
        return rounds.Ratio(rounds.median(done, variant, field) * factor, min(values), max(values))

    loads = [sample["times_ours"]["aiopenapi3"] for sample in read.values() if sample["times_ours"]["aiopenapi3"]]
    shares = {
        "callable_share": [(sample["callable"], sample["operations"]) for sample in read.values()],
        "paged_share": [(sample["paged"], sample["lists"]) for sample in read.values()],
    }
    ratios = {
        "load_github_s": spread("load", "s"),
        "warm_client_ms": spread("warm", "s", 1000),
        "generate_github_s": spread("generate", "real_s"),
        "vs_openapi_python_client": rounds.ratio(done, "openapi_python_client", "generate", "real_s"),
        "vs_unformatted": rounds.ratio(done, "unformatted", "generate", "real_s"),
        "import_vs_httpx": rounds.ratio(done, "import_package", "import_httpx", "real_s"),
        "peak_mib": spread("generate", "mib"),
    }
    if loads:
        ratios["load_vs_aiopenapi3"] = rounds.Ratio(statistics.median(loads), min(loads), max(loads))
    for name, pairs in shares.items():
        each = [have / of for have, of in pairs if of]
        ratios[name] = rounds.Ratio(sum(have for have, _ in pairs) / sum(of for _, of in pairs), min(each), max(each))
    return rounds.summarize(ratios)


def _describe(packed: Path, work: Path) -> Sample:
    """Make the folder of a document, and return what `callwell init` says about it."""
    name, _, suffix = packed.name.removesuffix(".gz").partition(".")
    document = work / "documents" / name / f"openapi.{suffix}"
    document.parent.mkdir(parents=True)
    document.write_bytes(gzip.decompress(packed.read_bytes()))
    answer = _run(
        [str(SCRIPTS / "callwell"), "init", str(document), "--to", str(work / name), "--name", name, "--json"], work
    )
    summary = json.loads(answer["out"])
    return {field: summary[field] for field in ("operations", "callable", "lists", "paged")}


def _commands(document: str, work: Path, tools: Path) -> dict[str, list[str]]:
    """The command of each variant for one document."""
    folder = str(work / document)
    file = str(next((work / "documents" / document).iterdir()))
    theirs = [
        *(str(tools / "openapi-python-client"), "generate", "--overwrite", "--meta", "none"),
        *("--output-path", str(work / "theirs"), "--path", file),
    ]
    return {
        "load": [sys.executable, "-c", LOAD, folder],
        "warm": [sys.executable, "-c", LOAD, folder],
        "generate": [str(SCRIPTS / "callwell"), "generate", folder],
        "openapi_python_client": ["env", f"PATH={tools}{os.pathsep}{os.environ['PATH']}", *theirs],
        "unformatted": ["env", f"PATH={os.defpath}", *theirs],
        "aiopenapi3": [str(tools / "python"), "-c", AIOPENAPI3, file],
        "import_package": [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(work)!r}); import {document}"],
        "import_httpx": [sys.executable, "-c", HTTPX],
    }


def _one(variant: str, commands: dict[str, list[str]], work: Path) -> Sample:
    """Run one variant."""
    if variant == "load":
        shutil.rmtree(work / "cache", ignore_errors=True)
    sample = _run(commands[variant], work)
    return sample | (json.loads(sample["out"]) if variant in ("load", "warm") else {})


def _times_ours(tool: str, document: str, work: Path, tools: Path) -> float | None:
    """How often the time that we take for a document another tool takes; None if it does not accept the document."""
    commands = _commands(document, work, tools)
    theirs = _run(commands[tool], work, check=False)
    ours = _one(OTHERS[tool], commands, work)
    return round(theirs["real_s"] / ours["real_s"], 2) if theirs["done"] else None


def _run(command: list[str], work: Path, *, check: bool = True) -> Sample:
    """Run a command, with its own cache folder; what it took, and what it printed.

    Raises:
        SystemExit: it failed, and `check` is set.
    """
    environment = rounds.environment() | {"XDG_CACHE_HOME": str(work / "cache")}
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile() as out,
        subprocess.Popen(command, env=environment, cwd=work, stdout=out, stderr=subprocess.STDOUT) as process,
    ):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        real_s = time.perf_counter() - began
        out.seek(0)
        text = out.read().decode()
    if check and process.returncode:
        raise SystemExit(f"bench: {command} ended with {process.returncode}: {text[-500:]}")
    return {
        "done": process.returncode == 0,
        "out": text,
        "real_s": real_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "mib": usage.ru_maxrss / 1024,
    }


def _other_tools() -> Path:
    """The scripts of the other tools, installed where they are not yet."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    folder = rounds.ROOT / ".cache" / "describe" / digest
    scripts = folder / "bin"
    if not (folder / "done").exists():
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(scripts / "pip"), "install", "--quiet", "--require-hashes", "--requirement", str(REQUIREMENTS)]
        subprocess.run(pip, check=True)
        (folder / "done").touch()
    return scripts


def _versions(tools: Path) -> dict[str, str]:
    code = "import json; from importlib.metadata import version as v; print(json.dumps({n: v(n) for n in %r}))"
    names = ("openapi-python-client", "aiopenapi3")
    answer = subprocess.run([str(tools / "python"), "-c", code % (names,)], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(answer.stdout)
    return found
