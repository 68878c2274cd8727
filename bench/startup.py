# SPDX-License-Identifier: Apache-2.0
"""How long whole processes take to import Callwell, to get a first answer, or to show help.

httpx imports its optional command line where click and rich happen to be installed, as here. That would flatter us, so
it is kept from them; what it takes with them is reported next to it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import rounds, server

if TYPE_CHECKING:
    from bench.rounds import Sample

ROUNDS: Final = 21
SCRIPTS: Final = Path(sys.executable).parent

KEY: Final = "uspl_fake_key_of_nobody_000000000"

ANSWER: Final = '{"data":{"id":"1"}}'

FIRST_CLIENT: Final = f"from callwell import Client, Key; Client('userplane', key=Key('{KEY}')).close()"
"""What a program does before its first call: the import alone would leave out the description, loaded when used."""

FIRST_ANSWER: Final = f"""\
from callwell import Client, Key
with Client('userplane', key=Key('{KEY}'), base_url='%s') as client:
    client.me.get()
"""
"""The same with its first call, which loads the HTTP library."""

IMPORT_HTTPX: Final = "import sys; sys.modules['click'] = None; import httpx"

HTTPX_ANSWER: Final = f"""\
{IMPORT_HTTPX}
with httpx.Client(base_url='%s', headers={{'authorization': 'Bearer {KEY}'}}) as client:
    client.get('/me').json()
"""


def commands(address: str) -> dict[str, list[str]]:
    """What is measured, by name.

    Args:
        address: of a server that answers every request.
    """
    programs = {
        "nothing": "pass",
        "import_callwell": "import callwell",
        "import_client": FIRST_CLIENT,
        "import_httpx": IMPORT_HTTPX,
        "import_httpx_cli": "import httpx",
        "answer": FIRST_ANSWER % address,
        "answer_httpx": HTTPX_ANSWER % address,
    }
    return {name: [sys.executable, "-c", program] for name, program in programs.items()} | {
        "help": [str(SCRIPTS / "callwell"), "--help"],
        "pip": [str(SCRIPTS / "pip"), "--version"],
    }


def run() -> Sample:
    """Measure."""
    with server.Nginx(f"location / {{ return 200 '{ANSWER}'; }}") as nginx:
        measured = commands(nginx.address)
        for command in measured.values():
            _measure(command)
        done = rounds.run_interleaved(list(measured), ROUNDS, lambda name: _measure(measured[name]))
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
        "client_vs_httpx_cpu": rounds.ratio(done, "import_client", "import_httpx", "cpu_ms"),
        "answer_vs_httpx": rounds.ratio(done, "answer", "answer_httpx", "real_ms"),
        "answer_vs_httpx_cpu": rounds.ratio(done, "answer", "answer_httpx", "cpu_ms"),
        "help_vs_pip": rounds.ratio(done, "help", "pip", "real_ms"),
        "help_vs_pip_cpu": rounds.ratio(done, "help", "pip", "cpu_ms"),
    }
    return rounds.summarize(ratios) | {
        "real_ms": {name: round(rounds.median(done, name, "real_ms"), 1) for name in measured},
        "cpu_ms": {name: round(rounds.median(done, name, "cpu_ms"), 1) for name in measured},
        "rounds": ROUNDS,
        "versions": {name: version(name) for name in ("callwell", "httpx", "pip", "typer", "rich")}
        | {"nginx": server.version()},
    }


def _measure(command: list[str]) -> Sample:
    before = _cpu_s()
    began = time.perf_counter()
    subprocess.run(command, env=rounds.environment(), stdout=subprocess.DEVNULL, check=True)
    real_s = time.perf_counter() - began
    cpu_s = _cpu_s() - before
    return {"real_ms": real_s * 1e3, "cpu_ms": cpu_s * 1e3}


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
