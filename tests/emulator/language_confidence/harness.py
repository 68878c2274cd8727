# SPDX-License-Identifier: Apache-2.0
"""What tests of the emulated Language Confidence share: tones in every container, and requests with a key."""

from __future__ import annotations

import base64
import io
import json
import math
from array import array
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import av

from tests.emulator.harness import Emulated, HttpResponse, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from av.audio.stream import AudioStream

NAME: Final = "language_confidence"
TEXT: Final = "The quick brown fox jumps over the lazy dog."
CODECS: Final = {
    "wav": "pcm_s16le",
    "mp3": "mp3",
    "ogg": "libopus",
    "webm": "libopus",
    "mp4": "aac",
    "adts": "aac",
    "flac": "flac",
    "aiff": "pcm_s16be",
}
FORMATS: Final = {"wav": "wav", "mp3": "mp3", "ogg": "ogg", "webm": "webm", "mp4": "m4a", "adts": "aac"}
"""FFmpeg's name of a container → how a request calls it."""


@cache
def tone(
    seconds: float = 1.0,
    kind: str = "wav",
    *,
    rate: int = 16_000,
    layout: str = "mono",
    codec: str = "",
    loud: bool = True,
    hertz: int = 440,
) -> bytes:
    """A file with a tone."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind) as container:
        stream = cast("AudioStream", container.add_stream(codec or CODECS[kind], rate=rate, layout=layout))
        channels = len(av.AudioLayout(layout).channels)
        second = (int(9_000 * loud * math.sin(math.tau * hertz * at / rate)) for at in range(rate))
        samples = int(seconds * rate)
        wave = array("h", (item for item in second for _ in range(channels))) * math.ceil(seconds)
        frame = av.AudioFrame(format="s16", layout=layout, samples=max(1, samples))
        frame.sample_rate = rate
        if wave:
            frame.planes[0].update(wave[: samples * channels].tobytes())
        maker = av.AudioResampler(format=stream.format, layout=layout, rate=rate)
        for ready in maker.resample(frame) if wave else ():
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return out.getvalue()


def body(content: bytes | None = None, **fields: Any) -> dict[str, Any]:
    """The body of a request about a recording; a field that is None is left out."""
    content = tone() if content is None else content
    usual = {"audio_base64": base64.b64encode(content).decode(), "audio_format": "wav", "expected_text": TEXT}
    return {name: value for name, value in (usual | fields).items() if value is not None}


@dataclass(frozen=True, slots=True)
class AssessmentService:
    """One environment of an emulator."""

    emulated: Emulated
    environment: str = "production"

    @property
    def base(self) -> str:
        """Where it is."""
        return self.emulated.endpoints.providers[NAME][self.environment].base_url

    @property
    def key(self) -> str:
        """Its key."""
        return self.emulated.endpoints.providers[NAME][self.environment].key

    def post(
        self, path: str, content: Any, *, headers: Mapping[str, str] | None = None, key: str | None = ""
    ) -> HttpResponse:
        """A request with the emulator's key unless another one, or None, is given; bytes are sent as they are."""
        sent = content if isinstance(content, bytes) else json.dumps(content).encode()
        shown = {} if key is None else {"api-key": key or self.key}
        return fetch(self.base + path, "POST", headers={**shown, **(headers or {})}, body=sent)

    def scripted(
        self, content: bytes | None = None, *, user: str = "", accent: str = "us", **fields: Any
    ) -> HttpResponse:
        """A scripted assessment."""
        headers = {"x-user-id": user} if user else {}
        return self.post(f"/speech-assessment/scripted/{accent}", body(content, **fields), headers=headers)

    def counts(self) -> Any:
        """The score so far."""
        return self.emulated.control("/ledger")[f"{NAME}/{self.environment}"]["counts"]

    def reset(self, **options: Any) -> None:
        """Begin again with some options changed."""
        self.emulated.control("/reset", {"provider": f"{NAME}/{self.environment}", **options})


def problems(answer: HttpResponse) -> list[tuple[str, str]]:
    """What breaks the schema: where, and what."""
    assert answer.status == 422, answer.body
    return [(".".join(map(str, item["loc"])), item["type"]) for item in answer.json["detail"]]
