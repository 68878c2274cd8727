# SPDX-License-Identifier: Apache-2.0
"""One variant of the upload benchmark in its own process: `python -m bench.senders WORKLOAD`."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.rounds import KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.rounds import Sample

PROVIDER: Final = "apivideo"
VIDEO: Final = "vi0"


class Workload(NamedTuple):
    """What to do.

    Attributes:
        variant: one of `VARIANTS`.
        address: of the server.
        file: to be sent.
        piece: bytes of a piece.
        cut: the pieces of the file as files, for who cannot cut.
        state: where positions are kept.
        warm_up: a small file that is sent first, and not measured.
    """

    variant: str
    address: str
    file: str
    piece: int
    cut: list[str]
    state: str = "memory:"
    warm_up: str = ""


def _client(workload: Workload, **options: Any) -> Any:
    from callwell import Client
    from callwell.keys import Key

    key = Key(os.environ[KEY_VARIABLE])
    return Client(PROVIDER, base_url=workload.address, key=key, state=workload.state, **options)


def callwell(workload: Workload) -> Sample:
    """Callwell with its defaults: the file is probed, quotas, position stored, four pieces at once."""
    with _client(workload) as client:
        client.upload("videos.upload", workload.warm_up, video_id=VIDEO)
        return _spent(lambda: client.upload("videos.upload", workload.file, video_id=VIDEO, piece_size=workload.piece))


def official(workload: Workload) -> Sample:
    """The provider's own client."""
    from apivideo.api.videos_api import VideosApi
    from apivideo.auth_api_client import AuthenticatedApiClient
    from apivideo.configuration import Configuration

    client = AuthenticatedApiClient("bench", configuration=Configuration(chunk_size=workload.piece))
    client.configuration.host = workload.address
    client.connect()
    videos = VideosApi(client)

    def send(path: str) -> None:
        with Path(path).open("rb") as file:
            videos.upload(VIDEO, file)

    send(workload.warm_up)
    return _spent(lambda: send(workload.file))


def curl(workload: Workload) -> Sample:
    """Curl, which sends the pieces as files of their own over one connection."""
    command = ["curl"]
    for piece in workload.cut:
        command += ["--next", "--silent", "--fail", "--output", os.devnull, "--header", "Expect:"]
        command += ["--form", f"file=@{piece}", f"{workload.address}/videos/{VIDEO}/source"]
    command.remove("--next")
    return _spent(lambda: subprocess.run(command, check=True), who=resource.RUSAGE_CHILDREN)


def plan(workload: Workload) -> Sample:
    """How long it takes until the first request would be sent."""

    class SentError(Exception):
        pass

    class Unwilling:
        def send(self, _request: object) -> Any:
            raise SentError

        def close(self) -> None:
            pass

    with _client(workload, transport=Unwilling()) as client:
        began = time.perf_counter()
        try:
            client.upload("videos.upload", workload.file, video_id=VIDEO)
        except SentError:
            return {"real_s": time.perf_counter() - began}
    raise SystemExit("bench: nothing was sent")


def again(workload: Workload) -> Sample:
    """An upload that creates its object, and resumes itself."""
    with _client(workload) as client:
        client.upload("videos.upload", workload.file, title="bench", piece_size=workload.piece)
        return {}


VARIANTS: Final[dict[str, Callable[[Workload], Sample]]] = {
    "callwell": callwell,
    "official": official,
    "curl": curl,
    "plan": plan,
    "again": again,
}


def _spent(send: Callable[[], object], who: int = resource.RUSAGE_SELF) -> Sample:
    """Measure sending: time, CPU and memory of this process, or CPU of the ones that it starts."""
    base = _peak_mib()
    before = resource.getrusage(who)
    began = time.perf_counter()
    send()
    real_s = time.perf_counter() - began
    after = resource.getrusage(who)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"real_s": real_s, "cpu_s": cpu_s, "peak_mib": _peak_mib(), "base_mib": base}


def _peak_mib() -> float:
    """The most memory that this program has held. `getrusage` would include the program that started it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Carry out one workload, and print what it took."""
    workload = Workload(**json.loads(sys.argv[1]))
    print(json.dumps(VARIANTS[workload.variant](workload)), flush=True)


if __name__ == "__main__":
    main()
