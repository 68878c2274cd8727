# SPDX-License-Identifier: Apache-2.0
"""Eight processes share one quota while everything goes wrong at random: nothing is over it, lost, or made twice.

Processes are killed (SIGKILL) and are paused (SIGSTOP) for less than the pause that the proof allows; the store is
away: PostgreSQL is stopped or crashes, an SQLite file is locked. Two providers count: nginx notes the arrivals of all
readings of items, and an emulated Userplane, which now and then loses a response, the links that were made.
"""

from __future__ import annotations

import json
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import disruptions, fleets, stores
from bench.chaos_member import NAME, ChaosTask, DoneLinks
from bench.members import Workload
from bench.rounds import Ratio, ledger, summarize
from bench.windows import fullest, used_share
from tests.processes.program import start

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.rounds import Sample
    from callwell.emulator.process import Running
    from tests.processes.program import Program

MINUTES: Final = 5.0
SEED: Final = 1
QUICK_S: Final = 8.0
GREEDY: Final = 3
"""Processes that want everything; the others want little."""

KILL_EVERY_S: Final = 2.0
PAUSE_EVERY_S: Final = 4.0
AWAY_EVERY_S: Final = 20.0
QUICK_HASTE: Final = 2.5
"""How much more often things go wrong in a quick run."""

QUICK_SEED: Final = 6
"""With this one the store is away in those seconds, too."""

LATER_S: Final = 4 * 86_400.0
"""After so long every permit is free, whoever held it: longer than the longest window and all that comes before."""

FAULTS: Final = (
    {"operation": "links.create", "fault": "lost_reply", "rate": 0.1},
    {"operation": "links.create", "fault": "error_after", "rate": 0.05},
    {"operation": "links.list", "fault": "error_before", "rate": 0.05},
)
FIGURES: Final = ("over_window", "permits_lost", "duplicated", "missing", "quota_used")


def run(*, quick: bool = False, minutes: float = MINUTES, seed: int | None = None) -> Sample:
    """Run on SQLite, then on PostgreSQL.

    Args:
        quick: a few seconds each, with more going wrong in them.
        minutes: how long each runs otherwise.
        seed: decides what goes wrong when.
    """
    seed = seed or (QUICK_SEED if quick else SEED)
    lasts_s = QUICK_S if quick else 60.0 * minutes
    haste = QUICK_HASTE if quick else 1.0
    rates = disruptions.DisruptionRates(
        lasts_s=lasts_s,
        slots=fleets.MEMBERS,
        kill_every_s=KILL_EVERY_S / haste,
        pause_every_s=PAUSE_EVERY_S / haste,
        away_every_s=AWAY_EVERY_S / haste,
        seed=seed,
    )
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-chaos-")), "state.db")
        server = stack.enter_context(stores.postgres())
        places = {
            "sqlite": (f"sqlite:///{file}", stores.SqliteFile(file).stop_for),
            "postgresql": (stores.with_schema(server.url), server.stop_for),
        }
        found = {}
        for name, (store, stop_for) in places.items():
            found[name] = _run_fleet(rates, store, stop_for)
            print(_line(name, found[name]), flush=True)
    worst = {figure: _worst(figure, [sample[figure] for sample in found.values()]) for figure in FIGURES}
    return summarize(worst) | {"stores": found, "seconds": lasts_s, "seed": seed}


def _line(name: str, sample: Sample) -> str:
    return (
        "chaos on {name}: {calls:,} calls and {created} links; {over_window} over the quota, {permits_lost} permits "
        "lost, {duplicated} links made twice, {missing} missing; {quota_used:.0%} of the quota used; {killed} kills, "
        "{paused} pauses, store away for {away_s:.0f} s, {failed} calls failed"
    ).format(name=name, **sample)


def _worst(figure: str, values: list[float]) -> Ratio:
    return Ratio(min(values) if figure == "quota_used" else max(values), min(values), max(values))


def _run_fleet(rates: disruptions.DisruptionRates, store: str, stop_for: Callable[[float], None]) -> Sample:
    """One run, and what the servers and the state say afterwards."""
    from callwell.emulator.options import EmulatorOptions

    with ExitStack() as stack:
        nginx, folder = stack.enter_context(fleets.field(fleets.LIMIT, fleets.WINDOW_S))
        emulator = stack.enter_context(start(EmulatorOptions(provider=("userplane",))))
        done = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-links-")))
        place = emulator.endpoint("userplane")
        target = _find_target(emulator, store)
        _inject(emulator)
        begin_at = time.time() + fleets.START_S
        end_at = begin_at + rates.lasts_s

        def begin(slot: int, at: float) -> Program[str]:
            rate = 0.0 if slot < GREEDY else fleets.SMALL_RATE
            workload = Workload(
                variant="callwell",
                address=nginx.address,
                folder=folder,
                store=store,
                limit=fleets.LIMIT,
                window_s=fleets.WINDOW_S,
                members=rates.slots,
                rate=rate,
                begin_at=at,
                lasts_s=end_at - at,
            )
            task = ChaosTask(workload._asdict(), slot, place.base_url, place.key, target, str(done / f"{slot}"))
            return fleets.fork("bench.chaos_member", task._asdict())

        fleet_run = disruptions.run_fleet(begin_at, disruptions.plan(rates), begin, rates.slots, stop_for)
        ends = fleets.results(fleet_run.processes)
        arrivals = nginx.arrivals("/items/")
        names = _link_names(emulator, store, target)
        counts = ledger(emulator.control)["userplane"]["counts"]
        known_done = {name for file in done.iterdir() for name in DoneLinks(file).names()}
    over = max(0, fullest(arrivals, fleets.WINDOW_S - fleets.LOG_S) - fleets.LIMIT)
    twice = sum(count - 1 for count in names.values())
    return {
        "over_window": max(over, counts["over_quota"]),
        "permits_lost": _lost(store),
        "duplicated": max(twice, counts["duplicated_creations"]),
        "missing": len(known_done - names.keys()),
        "quota_used": used_share(arrivals, fleets.LIMIT, fleets.WINDOW_S, begin_at, end_at),
        "calls": len(arrivals),
        "created": len(names),
        "failed": sum(end["failed"] for end in ends),
        "killed": fleet_run.killed,
        "paused": fleet_run.paused,
        "away_s": fleet_run.away_s,
    }


def _find_target(emulator: Running, store: str) -> dict[str, str]:
    """A workspace, and a domain of it for which links can be created."""
    with _connect(emulator, store) as api:
        workspace = next(iter(api.workspaces.list()))["workspaceId"]
        domains = api.domains.list(workspace_id=workspace)
        domain = next(item["domainId"] for item in domains if item["domainStatus"] == "verified")
    return {"workspace_id": workspace, "domain_id": domain}


def _link_names(emulator: Running, store: str, target: dict[str, str]) -> Counter[str]:
    """How often there is a link of each name, by the emulator."""
    _inject(emulator, ())
    with _connect(emulator, store) as api:
        links = api.links.list(workspace_id=target["workspace_id"])
        names = [link.get("linkProviderReference") or "" for link in links]
    return Counter(name for name in names if name.startswith(NAME))


def _connect(emulator: Running, store: str) -> Any:
    """A client with the same quota as the processes."""
    from callwell import Client, Key

    place = emulator.endpoint("userplane")
    return Client("userplane", key=Key(place.key), base_url=place.base_url, state=store, deadline_s=None)


def _inject(emulator: Running, faults: tuple[dict[str, Any], ...] = FAULTS) -> None:
    """Put faults in force, in place of those before."""
    request = urllib.request.Request(f"{emulator.control}/faults", json.dumps(faults).encode())  # noqa: S310 - ours
    with urllib.request.urlopen(request):  # noqa: S310 - the same
        pass


def _lost(store: str) -> int:
    """Permits that will never be free again, or that there are too many of, over all quotas."""
    from callwell.clock import SystemClock, boot_id
    from callwell.core.quota.lease_records import FleetRecord
    from callwell.core.quota.lease_status import status
    from callwell.core.quota.store_time import ClockReading
    from callwell.state import open_state
    from callwell.state.base import Cell

    state = open_state(store)
    clock = SystemClock()
    later = ClockReading(f"{boot_id()} {clock}", clock.now() + LATER_S, clock.wall() + LATER_S)
    records = [state.read(Cell(key, FleetRecord, FleetRecord())) for key in state.keys("fleet:")]
    state.close()
    if not records:
        raise SystemExit(f"bench: no process has leased permits in {store}")
    return sum(abs(quota.limit - quota.free) for record in records for quota in status(record, later).quotas)
