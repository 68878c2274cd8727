# SPDX-License-Identifier: Apache-2.0
"""Helpers for tests of the emulated api.video: requests with a key, and forms."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from clips import picture
from tests.emulator.harness import Emulated, HttpResponse, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

MIB: Final = 1 << 20
PIECE: Final = 5 * MIB
BOUNDARY: Final = "----between"
VTT: Final = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"
JPEG: Final = picture("mjpeg")


def form(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, dict[str, str]]:
    """Return a multipart body of (field, file name or None, content), and its header."""
    body = b""
    for field, name, content in parts:
        about = f'form-data; name="{field}"' + ("" if name is None else f'; filename="{name}"')
        body += f"--{BOUNDARY}\r\nContent-Disposition: {about}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def basic_header(key: str) -> dict[str, str]:
    """The header of a key."""
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


@dataclass(frozen=True, slots=True)
class Site:
    """One environment of an emulator."""

    emulated: Emulated
    environment: str = "production"

    @property
    def base(self) -> str:
        """Where it is."""
        return self.emulated.endpoints.providers["apivideo"][self.environment].base_url

    @property
    def key(self) -> str:
        """Its key."""
        return self.emulated.endpoints.providers["apivideo"][self.environment].key

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        without_key: bool = False,
    ) -> HttpResponse:
        """A request with the key, unless `open_door`; `body` is bytes, or is sent as JSON."""
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {} if without_key else basic_header(self.key)
        return fetch(self.base + path, method, headers={**given, **(headers or {})}, body=sent)

    def upload_form(
        self,
        path: str,
        content: bytes,
        *,
        name: str = "file",
        field: str = "file",
        part: str | None = None,
        **fields: str,
    ) -> HttpResponse:
        """Send one file as a form; as a piece if `part` gives its Content-Range."""
        body, headers = form(*((key, None, value.encode()) for key, value in fields.items()), (field, name, content))
        ranged = {} if part is None else {"Content-Range": part}
        return self.call("POST", path, body, headers=headers | ranged)

    def video(self, **attributes: Any) -> str:
        """Create a container and return its ID."""
        answer = self.call("POST", "/videos", {"title": "A video", **attributes})
        assert answer.status == 201, answer.body
        return str(answer.json["videoId"])

    def upload(self, content: bytes, **attributes: Any) -> str:
        """Create a video with this file, wait until it is processed, and return its ID."""
        video_id = self.video(**attributes)
        answer = self.upload_form(f"/videos/{video_id}/source", content)
        assert answer.status == 201, answer.body
        self.wait_until_idle()
        return video_id

    def wait_until_idle(self) -> None:
        """Wait until every file has been processed."""
        self.emulated.control("/ledger")

    def status(self, video_id: str) -> Any:
        """How far a video is."""
        return self.call("GET", f"/videos/{video_id}/status").json

    def counts(self) -> Any:
        """The score so far."""
        return self.emulated.control("/ledger")[f"apivideo/{self.environment}"]["counts"]

    def post_event(self, what: str, news: Any) -> Any:
        """Report an event over the control port."""
        return self.emulated.control(f"/apivideo/{self.environment}/{what}", news)

    def reset(self, **options: Any) -> None:
        """Begin again with some options changed."""
        self.emulated.control("/reset", {"provider": f"apivideo/{self.environment}", **options})


def error_slug(answer: HttpResponse) -> str:
    """Return the slug of an error."""
    return str(answer.json["type"]).rpartition("/")[2]
