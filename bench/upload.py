# SPDX-License-Identifier: Apache-2.0
"""What sending a large file costs, against the provider's own client and curl: 1 GiB in pieces, dropped by nginx.

nginx responds when it has a whole piece, as the service does: it buffers the piece and passes it to nobody. The bytes
that came twice after a kill are counted by the emulator.
"""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av

from bench import rounds, server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.rounds import Sample

MIB: Final = 1 << 20
SIZE: Final = 1024 * MIB
PIECE: Final = 50 * MIB
ROUNDS: Final = 7
SENDERS: Final = ("callwell", "official", "curl")
FAST: Final = Path("/dev/shm")  # noqa: S108 - the folder in it has its own name
LARGEST: Final = 30 << 30
KILLED: Final = 120 * MIB
SMALL_PIECE: Final = 5 * MIB
VERSIONS: Final = ("callwell", "pyreqwest", "av", "api.video", "urllib3")

ANSWER: Final = json.dumps(
    {"videoId": "vi0", "access_token": "a", "refresh_token": "b", "token_type": "Bearer", "expires_in": 3600}
)
LOCATIONS: Final = """
    location / { proxy_pass http://unix:%(socket)s; proxy_pass_request_body off; proxy_set_header Content-Length ""; }
    client_max_body_size 0;
    client_body_temp_path %(folder)s;
"""
ANSWERING: Final = """
    server { listen unix:%(socket)s; access_log off; location / { return 201 '%(answer)s'; } }
"""


def run() -> Sample:
    """Measure."""
    with _folder() as folder:
        common = _workload_files(folder)
        with _sink(folder) as nginx:

            def measure(variant: str) -> Sample:
                workload = common | {"variant": variant, "address": nginx.address}
                sample = rounds.run_child("bench.senders", workload)
                extra = {"callwell": 1, "official": 2, "curl": 0}[variant]
                return sample | {"connections": nginx.check_requests(len(common["cut"]) + extra, "201")}

            done = rounds.run_interleaved(SENDERS, ROUNDS, measure)
        for sample in (sample for samples in done for sample in samples.values()):
            sample["added_mib"] = sample["peak_mib"] - sample["base_mib"]
        planned = [_measure_plan(common, folder) for _ in range(ROUNDS)]
        resent = [_resent(folder, number) for number in range(3)]
    ratios = {
        "vs_official": rounds.ratio(done, "official", "callwell", "real_s"),
        "vs_curl": rounds.ratio(done, "curl", "callwell", "real_s"),
        "cpu_vs_official": rounds.ratio(done, "callwell", "official", "cpu_s"),
        "cpu_vs_curl": rounds.ratio(done, "callwell", "curl", "cpu_s"),
        "peak_vs_official": rounds.ratio(done, "callwell", "official", "peak_mib"),
        "added_vs_official": rounds.ratio(done, "callwell", "official", "added_mib"),
        "plan_30gib_s": _several(planned),
        "resent_bytes": _several(resent),
    }
    return rounds.summarize(ratios) | {
        "mib_per_s": {name: round(SIZE / MIB / rounds.median(done, name, "real_s"), 1) for name in SENDERS},
        "cpu_s_per_gib": {name: round(rounds.median(done, name, "cpu_s"), 2) for name in SENDERS},
        "peak_mib": {name: round(rounds.median(done, name, "peak_mib"), 1) for name in SENDERS[:2]},
        "before_mib": {name: round(rounds.median(done, name, "base_mib"), 1) for name in SENDERS[:2]},
        "piece_mib": PIECE // MIB,
        "rounds": ROUNDS,
        "counted": "every piece, in nginx's access log",
        "versions": {name: version(name) for name in VERSIONS} | {"nginx": server.version()},
    }


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder in memory where the system has one, so that no disk is measured."""
    with tempfile.TemporaryDirectory(prefix="bench-upload-", dir=FAST if FAST.is_dir() else None) as folder:
        Path(folder, "body").mkdir(mode=0o777)
        Path(folder).chmod(0o755)
        Path(folder, "body").chmod(0o777)
        yield Path(folder)


@contextmanager
def _sink(folder: Path) -> Iterator[server.Nginx]:
    values = {"folder": folder / "body", "socket": folder / "socket", "answer": ANSWER}
    with server.Nginx(LOCATIONS % values, more=ANSWERING % values) as nginx:
        yield nginx


def _workload_files(folder: Path) -> dict[str, Any]:
    """The file, the same in pieces, and a small one."""
    file = folder / "film.mp4"
    small = folder / "small.mp4"
    cut: list[str] = []
    _film(file, SIZE)
    _film(small, MIB)
    with file.open("rb") as whole:
        for number, piece in enumerate(iter(lambda: whole.read(PIECE), b"")):
            cut.append(str(folder / f"piece-{number}"))
            Path(cut[-1]).write_bytes(piece)
    return {"file": str(file), "piece": PIECE, "cut": cut, "warm_up": str(small)}


def _film(path: Path, size: int, *, sparse: bool = False) -> None:
    """Write a video of this size, filled up with noise, or with a hole that takes no space on disk."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width = 320
        video.height = 180
        video.pix_fmt = "yuv420p"
        for _ in range(10):
            container.mux(video.encode(av.VideoFrame(320, 180, "yuv420p")))
        container.mux(video.encode(None))
    content = out.getvalue()
    head = content + struct.pack(">I4sQ", 1, b"free", size - len(content))
    with path.open("wb") as file:
        file.write(head)
        while not sparse and file.tell() < size:
            file.write(os.urandom(min(MIB, size - file.tell())))
        file.truncate(size)


def _measure_plan(common: dict[str, Any], folder: Path) -> float:
    path = folder / "large.mp4"
    if not path.exists():
        _film(path, LARGEST, sparse=True)
    workload = common | {"variant": "plan", "address": "http://127.0.0.1:1", "file": str(path)}
    seconds: float = rounds.run_child("bench.senders", workload)["real_s"]
    return seconds


def _resent(folder: Path, number: int) -> float:
    """Bytes that came twice because an upload was killed in the middle and run again."""
    from callwell.emulator.options import EmulatorOptions
    from callwell.emulator.process import start

    path = folder / "killed.mp4"
    if not path.exists():
        _film(path, KILLED)
    with start(EmulatorOptions(provider=("apivideo",))) as running:
        point = running.endpoint("apivideo")
        workload = {"variant": "again", "address": point.base_url, "file": str(path), "piece": SMALL_PIECE, "cut": []}
        workload |= {"state": f"sqlite:///{folder / f'state-{number}.db'}"}
        command = [sys.executable, "-m", "bench.senders", json.dumps(workload)]
        given = rounds.environment() | {rounds.KEY_VARIABLE: point.key}
        process = subprocess.Popen(command, cwd=rounds.ROOT, env=given, stdout=subprocess.DEVNULL)
        while process.poll() is None and _arrived(running.control) < 5 + 3 * number:
            time.sleep(0.002)
        process.kill()
        process.wait()
        subprocess.run(command, cwd=rounds.ROOT, env=given, stdout=subprocess.DEVNULL, check=True)
        counts = _read(f"{running.control}/ledger")["apivideo/production"]["counts"]
    if counts["videos"] != 1:
        raise SystemExit(f"bench: {counts['videos']} videos came of one upload")
    return float(counts["resent_bytes"])


def _arrived(control: str) -> int:
    return sum(row["operation"] == "videos.upload" for row in _read(f"{control}/ledger/requests"))


def _read(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own emulator
        return json.load(answer)


def _several(values: list[float]) -> rounds.Ratio:
    return rounds.Ratio(sorted(values)[len(values) // 2], min(values), max(values))
