# SPDX-License-Identifier: Apache-2.0
"""A network that goes and comes back under an export, and a provider that stops, dies and is started again.

The export goes on by itself, or ends with exit code 5 and is started again by the same command.
"""

from __future__ import annotations

import random
import signal
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start
from callwell.emulator.quota import Limit
from callwell.emulator.score_quota import count_over_quota
from tests.acceptance.relay import Relay
from tests.acceptance.running import NETWORK, End, card, check_clean, check_names, ended, exporting
from tests.export.emulated import Site, check_manifest, check_truth
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.acceptance.conftest import ReportFigures

LOCALHOST = ("127.0.0.1", 0)
SEED = 17
RECORDINGS = 150
SCALE = 25.0
AWAY_S = (10.0, 40.0, 600.0)
"""Clock seconds for which the network or the provider is away."""

FREEZE_S = 50.0
"""Clock seconds for which the provider stands still: less than a request may be under way."""

BETWEEN_S = (0.5, 1.5)
"""Real seconds of work between two troubles."""


class Stubborn:
    """An export that is started again whenever the network has ended it.

    Args:
        site: the world.
        base_url: the way to it.
    """

    def __init__(self, site: Site, base_url: str) -> None:
        self.ends = list[End]()
        self._site = site
        self._truth = site.truth()
        self._base_url = base_url
        self._process = exporting(site, base_url=base_url)

    def work(self, seconds: float) -> None:
        """Go on for so many real seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._process.poll() is not None:
                self._again()
            time.sleep(0.02)

    def finish(self) -> Any:
        """Go on to the end; the report of the run that came through."""
        until = time.monotonic() + PATIENCE_S
        while True:
            end = self._end()
            if end.code == 0:
                return end.report
            assert time.monotonic() < until, self.ends
            self._process = exporting(self._site, base_url=self._base_url)

    def kill(self) -> None:
        """End what is still under way."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def _again(self) -> None:
        assert self._end().code == NETWORK, "it was through before all troubles were over"
        self._process = exporting(self._site, base_url=self._base_url)

    def _end(self) -> End:
        end = ended(self._process, but=(NETWORK,))
        check_names(self._site.tree, self._truth)
        self.ends.append(end)
        return end


def options(ports: list[int], clock: str) -> EmulatorOptions:
    """The same world each time."""
    port, storage_port, control_port = ports
    return EmulatorOptions(
        provider=("userplane",),
        port=port,
        storage_port=storage_port,
        control_port=control_port,
        clock=clock,
        window="sliding",
        recordings=RECORDINGS,
        seed=SEED,
    )


def free_ports() -> list[int]:
    """Three ports without a listener."""
    with (
        socket.create_server(LOCALHOST) as a,
        socket.create_server(LOCALHOST) as b,
        socket.create_server(LOCALHOST) as c,
    ):
        return [int(each.getsockname()[1]) for each in (a, b, c)]


def sums(site: Site) -> dict[str, list[str | None]]:
    """The checksums of all files that the provider has."""
    return {
        name: [asset and asset["sha256"] for asset in item["assets"].values()] for name, item in site.truth().items()
    }


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A world without faults of its own."""
    with start(options([0, 0, 0], f"{SCALE:g}")) as running:
        yield Site(running, tmp_path)


def away(how: Callable[[], None], back: Callable[[], None], export: Stubborn, seconds: float) -> None:
    """Let something be away for so many clock seconds."""
    how()
    export.work(seconds / SCALE)
    back()


def test_a_network_that_goes_and_comes_back(site: Site, report_figures: ReportFigures) -> None:
    """Cut, refused or silent, for a moment and for minutes: in the end all is there, and no quota was passed."""
    address = urlsplit(site.running.endpoint("userplane").base_url)
    relay = Relay(address.port or 0)
    dice = random.Random(SEED)
    export = Stubborn(site, f"http://127.0.0.1:{relay.port}{address.path}")
    try:
        for seconds in AWAY_S:
            for how, back in ((relay.cut, relay.cut), (relay.refuse, relay.accept), (relay.swallow, relay.speak)):
                export.work(dice.uniform(*BETWEEN_S))
                away(how, back, export, 0.0 if how == relay.cut else seconds)
        report = export.finish()
    finally:
        export.kill()
        relay.refuse()
    result = card(site, report)
    report_figures(
        "network gone and back",
        f"9 times, {len(export.ends) - 1} restarts after exit code 5, then {result.verdict}, {result.items} items, "
        f"{result.attempts} arrivals; {result.lost} lost, {result.wrong_bytes} wrong, "
        f"{result.over_quota} over the quota",
    )
    check_clean(result)
    check_truth(site.tree, site.truth())
    check_manifest(site.tree)
    assert result.items == RECORDINGS


def test_a_provider_that_freezes_dies_and_is_started_anew(tmp_path: Path, report_figures: ReportFigures) -> None:
    """It comes back at the same place, with the same data, an empty memory and another key."""
    ports = free_ports()
    dice = random.Random(SEED)
    running = start(options(ports, f"{SCALE:g}"))
    site = Site(running, tmp_path)
    relay = Relay(ports[0])
    export = Stubborn(site, f"http://127.0.0.1:{relay.port}{urlsplit(running.endpoint('userplane').base_url).path}")
    try:
        truth = sums(site)
        arrivals = list[float]()
        for seconds in AWAY_S:
            export.work(dice.uniform(*BETWEEN_S))
            away(lambda: freeze(site), lambda: thaw(site), export, FREEZE_S)
            export.work(dice.uniform(*BETWEEN_S))
            relay.refuse()  # first, so that every arrival is in the ledger that dies
            arrivals += counted(site)
            site.running.process.kill()
            site.running.close()
            export.work(seconds / SCALE)
            renew(site, options(ports, str(site.running.endpoints.clock)))
            relay.accept()
        report = export.finish()
        result = card(site, report)
        arrivals += counted(site)
        over = sum(
            count_over_quota(arrivals, limit) for limit in (Limit("minute", 120, 60), Limit("day", 10_000, 86_400))
        )
        report_figures(
            "provider killed and started anew",
            f"{len(AWAY_S)} times, {len(export.ends) - 1} restarts after exit code 5, then {result.verdict}, "
            f"{result.items} items, {len(arrivals)} arrivals; {result.lost} lost, {result.wrong_bytes} wrong, "
            f"{over} over the quota",
        )
        assert sums(site) == truth
        assert over == 0
        check_clean(result)
        check_truth(site.tree, site.truth())
        check_manifest(site.tree)
    finally:
        export.kill()
        relay.refuse()
        site.running.close()


def freeze(site: Site) -> None:
    """Let the provider stand still: it accepts connections, since the kernel does, and says nothing."""
    site.running.process.send_signal(signal.SIGSTOP)


def thaw(site: Site) -> None:
    """Let it go on."""
    site.running.process.send_signal(signal.SIGCONT)


def counted(site: Site) -> list[float]:
    """When the provider let requests in."""
    return [row["arrived_s"] for row in site.arrivals() if row["key_accepted"]]


def renew(site: Site, again: EmulatorOptions) -> None:
    """Start the provider again, and put the key that it now takes where the old one was."""
    site.running = start(again)
    part = site.key_file.with_suffix(".part")
    part.touch(0o600)
    part.write_text(site.running.endpoint("userplane").key)
    part.replace(site.key_file)
