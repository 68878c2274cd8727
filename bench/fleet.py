# SPDX-License-Identifier: Apache-2.0
"""One quota for eight processes: Callwell on SQLite and PostgreSQL, next to what people use for it.

Each part runs in rounds that alternate. `over_window` is the worst of all rounds, also of those in which processes are
killed and the store is away; the others are medians.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from bench import fleets, stores
from bench.members import Workload
from bench.rounds import Ratio, ratio, run_child, run_interleaved, summarize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.rounds import Sample

PEERS: Final = ("pyrate_sqlite", "pyrate_postgres", "limits_redis", "divided")
SHARED_PEERS: Final = PEERS[:-1]
OURS: Final = ("callwell_sqlite", "callwell_postgres")
ROUNDS: Final = 2
WINDOWS: Final = 3
CALLS: Final = 3_000
VERSIONS: Final = ("callwell", "httpx", "aiolimiter", "pyrate-limiter", "limits", "redis", "psycopg")


class Stores:
    """A new and empty store for each run.

    Args:
        folder: of the files.
        server: of PostgreSQL.
        redis: the URL of Redis; empty without one.
    """

    def __init__(self, folder: Path, server: stores.Postgres, redis: str) -> None:
        self.server = server
        self.has_redis = bool(redis)
        self._folder = folder
        self._redis = redis
        self._number = 0

    def for_variant(self, name: str) -> str:
        """What the processes of a variant share."""
        self._number += 1
        file = self._folder / f"{self._number}.db"
        places = {
            "callwell_sqlite": f"sqlite:///{file}",
            "pyrate_sqlite": str(file),
            "limits_redis": f"{self._redis}/{self._number % 16}",
            "divided": "",
        }
        return places[name] if name in places else stores.with_schema(self.server.url)


@contextmanager
def opened() -> Iterator[Stores]:
    """The servers, while they are needed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-fleet-")))
        server = stack.enter_context(stores.postgres())
        yield Stores(folder, server, stack.enter_context(stores.redis()))


def run(*, quick: bool = False) -> Sample:
    """Measure.

    Args:
        quick: one round, and no trouble.
    """
    rounds = 1 if quick else ROUNDS
    with opened() as places:
        names = [name for name in (*OURS, *PEERS) if name != "limits_redis" or places.has_redis]
        peaceful = run_interleaved(names, rounds, lambda name: _share(places, name))
        taken = run_interleaved([name for name in names if name != "divided"], rounds, lambda n: _takes(places, n))
        spent = run_interleaved(["memory", "callwell_sqlite"], rounds, lambda name: _cpu(places, name))
        counted = [fleets.operations(places.for_variant(name)) for name in OURS]
        rotated = [fleets.rotation(places.for_variant("callwell_sqlite")) for _ in range(rounds)]
        troubled = {} if quick else {name: _chaos(places, name) for name in OURS}
    for sample in taken:
        sample["best_peer"] = max((sample[name] for name in names if name in SHARED_PEERS), key=_takes_per_s)
    over = [sample[name]["over_window"] for sample in peaceful for name in OURS]
    over += [sample["over_window"] for sample in troubled.values()]
    used = [min(sample[name]["quota_used"] for name in OURS) for sample in peaceful]
    failed = [sample["failed"] for sample in rotated]
    figures = {
        "over_window": Ratio(max(over), min(over), max(over)),
        "quota_used": _ratio(used),
        "take_vs_best_peer": ratio(taken, "callwell_sqlite", "best_peer", "takes_per_s"),
        "store_ops_per_call": Ratio(max(counted), min(counted), max(counted)),
        "sqlite_vs_memory": ratio(spent, "memory", "callwell_sqlite", "cpu_us"),
        "rotation_seen_s": _ratio([sample["seen_s"] for sample in rotated]),
        "failed_calls": Ratio(max(failed), min(failed), max(failed)),
    }
    return summarize(figures) | {
        "contenders": {name: _row(peaceful, taken, name) for name in names},
        "not_measured": [name for name in PEERS if name not in names],
        "chaos": troubled,
        "rounds": rounds,
        "limit": fleets.LIMIT,
        "window_s": fleets.WINDOW_S,
        "members": fleets.MEMBERS,
        "versions": {name: version(name) for name in VERSIONS},
    }


def _variant(name: str) -> str:
    return "callwell" if name in OURS else name


def _share(places: Stores, name: str) -> Sample:
    return fleets.share(_variant(name), places.for_variant(name), WINDOWS)


def _takes(places: Stores, name: str) -> Sample:
    with fleets.field(fleets.UNBOUND, 60.0) as (nginx, folder):
        store = places.for_variant(name)
        workload = Workload(_variant(name), nginx.address, folder, store, fleets.UNBOUND, 60.0, 1, 0.0, 0.0, 0.0)
        return run_child("bench.takes", workload._asdict())


def _cpu(places: Stores, name: str) -> Sample:
    store = "memory:" if name == "memory" else places.for_variant(name)
    return {"cpu_us": fleets.cpu_us(store, CALLS)}


def _chaos(places: Stores, name: str) -> dict[str, Any]:
    store = places.for_variant(name)
    if name == "callwell_sqlite":
        return fleets.chaos(store, stores.SqliteFile(Path(store.removeprefix("sqlite:///"))).stop_for)
    return fleets.chaos(store, places.server.stop_for)


def _takes_per_s(sample: Sample) -> float:
    return float(sample["takes_per_s"])


def _ratio(values: list[float]) -> Ratio:
    return Ratio(median(values), min(values), max(values))


def _row(peaceful: list[dict[str, Sample]], taken: list[dict[str, Sample]], name: str) -> Sample:
    """What one contender did: the fullest window of all rounds, and medians."""
    samples = [sample[name] for sample in peaceful]
    return {
        "over_window": max(sample["over_window"] for sample in samples),
        "quota_used": round(median(sample["quota_used"] for sample in samples), 3),
        "small_served": round(median(sample["small_served"] for sample in samples), 3),
        "failed": sum(sample["failed"] for sample in samples),
        "takes_per_s": round(median(sample[name]["takes_per_s"] for sample in taken)) if name in taken[0] else None,
    }
