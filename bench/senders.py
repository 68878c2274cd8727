# SPDX-License-Identifier: Apache-2.0
"""One variant of the upload benchmark in a process of its own: `python -m bench.senders ORDER`."""

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


class Order(NamedTuple):
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


def _client(order: Order, **options: Any) -> Any:
    from callwell import Client
    from callwell.keys import Key

    key = Key(os.environ[KEY_VARIABLE])
    return Client(PROVIDER, base_url=order.address, key=key, state=order.state, **options)


def callwell(order: Order) -> Sample:
    """Callwell as it comes: looked into, quotas, position stored, four pieces at once."""
    with _client(order) as client:
        client.upload("videos.upload", order.warm_up, video_id=VIDEO)
        return _spent(lambda: client.upload("videos.upload", order.file, video_id=VIDEO, piece_size=order.piece))


def official(order: Order) -> Sample:
    """The provider's own client."""
    from apivideo.api.videos_api import VideosApi
    from apivideo.auth_api_client import AuthenticatedApiClient
    from apivideo.configuration import Configuration

    client = AuthenticatedApiClient("bench", configuration=Configuration(chunk_size=order.piece))
    client.configuration.host = order.address
    client.connect()
    videos = VideosApi(client)

    def send(path: str) -> None:
        with Path(path).open("rb") as file:
            videos.upload(VIDEO, file)

    send(order.warm_up)
    return _spent(lambda: send(order.file))


def curl(order: Order) -> Sample:
    """Curl, which sends the pieces as files of their own over one connection."""
    command = ["curl"]
    for piece in order.cut:
        command += ["--next", "--silent", "--fail", "--output", os.devnull, "--header", "Expect:"]
        command += ["--form", f"file=@{piece}", f"{order.address}/videos/{VIDEO}/source"]
    command.remove("--next")
    return _spent(lambda: subprocess.run(command, check=True), who=resource.RUSAGE_CHILDREN)


def plan(order: Order) -> Sample:
    """How long it takes until the first request would be sent."""

    class SentError(Exception):
        pass

    class Unwilling:
        def send(self, _request: object) -> Any:
            raise SentError

        def close(self) -> None:
            pass

    with _client(order, transport=Unwilling()) as client:
        began = time.perf_counter()
        try:
            client.upload("videos.upload", order.file, video_id=VIDEO)
        except SentError:
            return {"real_s": time.perf_counter() - began}
    raise SystemExit("bench: nothing was sent")


def again(order: Order) -> Sample:
    """An upload that makes its object, and goes on with itself."""
    with _client(order) as client:
        client.upload("videos.upload", order.file, title="bench", piece_size=order.piece)
        return {}


VARIANTS: Final[dict[str, Callable[[Order], Sample]]] = {
    "callwell": callwell,
    "official": official,
    "curl": curl,
    "plan": plan,
    "again": again,
}


def _spent(send: Callable[[], object], who: int = resource.RUSAGE_SELF) -> Sample:
    """What sending took: of this process, or of the one that it starts."""
    base, before, began = _peak_mib(), resource.getrusage(who), time.perf_counter()
    send()
    real_s, after = time.perf_counter() - began, resource.getrusage(who)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"real_s": real_s, "cpu_s": cpu_s, "peak_mib": _peak_mib(), "base_mib": base}


def _peak_mib() -> float:
    """The most memory that this program has held. What `getrusage` tells includes the one that started it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Send what the order says, and print what it took."""
    order = Order(**json.loads(sys.argv[1]))
    print(json.dumps(VARIANTS[order.variant](order)), flush=True)


if __name__ == "__main__":
    main()
