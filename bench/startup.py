# SPDX-License-Identifier: Apache-2.0
"""How long whole processes take to import Callwell, or to show its help.

httpx imports its optional command line where click and rich happen to be installed, as here. That would flatter us, so
it is kept from them; what it takes with them is reported beside it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import rounds

if TYPE_CHECKING:
    from bench.rounds import Sample

ROUNDS: Final = 21
SCRIPTS: Final = Path(sys.executable).parent

FIRST_CLIENT: Final = (
    "from callwell import Client, Key; Client('userplane', key=Key('uspl_fake_key_of_nobody_000000000')).close()"
)
"""What a program does before its first call: the import alone would leave out the description, loaded when used."""

COMMANDS: Final = {
    "nothing": [sys.executable, "-c", "pass"],
    "import_callwell": [sys.executable, "-c", "import callwell"],
    "import_client": [sys.executable, "-c", FIRST_CLIENT],
    "import_httpx": [sys.executable, "-c", "import sys; sys.modules['click'] = None; import httpx"],
    "import_httpx_cli": [sys.executable, "-c", "import httpx"],
    "help": [str(SCRIPTS / "callwell"), "--help"],
    "pip": [str(SCRIPTS / "pip"), "--version"],
}


def run() -> Sample:
    """Measure."""
    for name in COMMANDS:
        _one(name)
    done = rounds.run_interleaved(list(COMMANDS), ROUNDS, _one)
    for samples in done:
        for name in [name for name in samples if name.startswith("import_")]:
            samples[f"{name}_net"] = {"real_ms": samples[name]["real_ms"] - samples["nothing"]["real_ms"]}
    ratios = {
        "import_vs_httpx": rounds.ratio(done, "import_callwell", "import_httpx", "real_ms"),
        "import_vs_httpx_net": rounds.ratio(done, "import_callwell_net", "import_httpx_net", "real_ms"),
        "import_vs_httpx_cpu": rounds.ratio(done, "import_callwell", "import_httpx", "cpu_ms"),
        "import_vs_httpx_cli": rounds.ratio(done, "import_callwell", "import_httpx_cli", "real_ms"),
        "client_vs_httpx": rounds.ratio(done, "import_client", "import_httpx", "real_ms"),
        "client_vs_httpx_net": rounds.ratio(done, "import_client_net", "import_httpx_net", "real_ms"),
        "help_vs_pip": rounds.ratio(done, "help", "pip", "real_ms"),
        "help_vs_pip_cpu": rounds.ratio(done, "help", "pip", "cpu_ms"),
    }
    return rounds.summarize(ratios) | {
        "real_ms": {name: round(rounds.median(done, name, "real_ms"), 1) for name in COMMANDS},
        "cpu_ms": {name: round(rounds.median(done, name, "cpu_ms"), 1) for name in COMMANDS},
        "rounds": ROUNDS,
        "versions": {name: version(name) for name in ("callwell", "httpx", "pip", "typer", "rich")},
    }


def _one(name: str) -> Sample:
    before = _cpu_s()
    began = time.perf_counter()
    subprocess.run(COMMANDS[name], env=rounds.environment(), stdout=subprocess.DEVNULL, check=True)
    real_s = time.perf_counter() - began
    cpu_s = _cpu_s() - before
    return {"real_ms": real_s * 1e3, "cpu_ms": cpu_s * 1e3}


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
