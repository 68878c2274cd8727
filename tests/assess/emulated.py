# SPDX-License-Identifier: Apache-2.0
"""What tests of assessments share: recordings, and an emulated service with a client."""

from __future__ import annotations

import math
import struct
import wave
from typing import TYPE_CHECKING, Any, Final

from callwell.assess import Assessment, AssessmentRow
from callwell.client import AsyncClient
from callwell.client.concurrency import event_loop
from callwell.clock import parse_clock
from callwell.keys import Key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from callwell.assess import AssessmentReport
    from tests.emulator.harness import Emulated

NAME: Final = "language_confidence"
TEXT: Final = "The quick brown fox."
RATE: Final = 16_000


def tone(path: Path, *, hertz: int = 220, seconds: float = 1.0, rate: int = RATE) -> Path:
    """A recording of a sine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = (int(8_000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(seconds * rate)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


def tones(folder: Path, count: int) -> list[AssessmentRow]:
    """Rows for different recordings by two speakers."""
    result = [tone(folder / f"{n:02}.wav", hertz=200 + 10 * n) for n in range(count)]
    return [
        AssessmentRow(file, TEXT, f"speaker-{n % 2}", "us", manifest="class.csv", number=n + 2)
        for n, file in enumerate(result)
    ]


def client(emulated: Emulated, **options: Any) -> AsyncClient:
    """A client of the service."""
    point = emulated.endpoints.providers[NAME]["production"]
    clock = parse_clock(emulated.endpoints.clock)
    secret = Key("0123456789abcdef")
    chosen = {"key": Key(point.key), "base_url": point.base_url, "clock": clock, "user_secret": secret, **options}
    return AsyncClient(NAME, priority="batch", **chosen)


def assessed(
    emulated: Emulated, rows: Iterable[AssessmentRow], folder: Path, *, state: str = "memory:", **how: Any
) -> AssessmentReport:
    """What an assessment was worth."""

    async def work() -> AssessmentReport:
        async with client(emulated, state=state) as api:
            return await Assessment(api, rows, folder, **how).run()

    return event_loop.run(work())


def counts(emulated: Emulated) -> Any:
    """What the service has counted."""
    return emulated.control("/ledger")[f"{NAME}/production"]["counts"]
