# SPDX-License-Identifier: Apache-2.0
"""Commands against a provider with forms, environments and links: api.video, played by a few lines of a server."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.emulated import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "a-key-of-the-sandbox"


class Handler(BaseHTTPRequestHandler):
    """Two pages of videos; whatever is sent is kept."""

    asked: list[tuple[str, str, str, bytes]]

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.asked.append((self.command, self.path, self.headers.get("authorization", ""), content))
        second = "currentPage=2" in self.path
        onward = [] if second else [{"rel": "next", "uri": "/videos?currentPage=2"}]
        videos = [{"videoId": "vi2" if second else "vi1"}]
        totals = {"itemsTotal": 2, "pagesTotal": 2, "links": onward}
        body = {"data": videos, "pagination": totals} if self.command == "GET" else {"videoId": "vi1"}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """The server, on a port of its own."""
    Handler.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as result:
        thread = threading.Thread(target=result.serve_forever)
        thread.start()
        yield result
        result.shutdown()
        thread.join()


@pytest.fixture
def apivideo(server: ThreadingHTTPServer, tmp_path: Path) -> Shell:
    """A shell that is set up for it, with a key for the sandbox alone."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    variables = kept | {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "APIVIDEO_SANDBOX_API_KEY": KEY,
        "APIVIDEO_SANDBOX_BASE_URL": f"http://127.0.0.1:{server.server_port}",
        "PYTHONUTF8": "1",
    }
    return Shell(tmp_path, variables, KEY, "")


def test_one_call(apivideo: Shell) -> None:
    """A list can be called for one page, with the key of the environment that is named."""
    ended = apivideo.run("call", "apivideo", "videos.list", "tags=x", "--environment", "sandbox")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json["data"] == [{"videoId": "vi1"}]
    [(method, path, shown, _)] = Handler.asked
    assert (method, path) == ("GET", "/videos?tags%5B%5D=x")
    assert shown.startswith("Basic ")


def test_all_pages(apivideo: Shell) -> None:
    """A walk gives every item of every page."""
    ended = apivideo.run(
        "list", "apivideo", "videos.list", 'metadata:={"k": "v"}', "--format", "jsonl", "--environment", "sandbox"
    )
    assert [line["videoId"] for line in ended.lines] == ["vi1", "vi2"]
    assert all("metadata%5Bk%5D=v" in path for _, path, _, _ in Handler.asked)


def test_a_file_is_sent(apivideo: Shell) -> None:
    """A file is named by its path; one that is not there is reported in one line, and nothing is sent."""
    (apivideo.folder / "picture.png").write_bytes(b"a picture")
    call = ("call", "apivideo", "videos.upload_thumbnail", "video_id=vi1", "--environment", "sandbox")
    ended = apivideo.run(*call, "file=picture.png")
    assert ended.json == {"videoId": "vi1"}
    [(_, path, _, content)] = Handler.asked
    assert path == "/videos/vi1/thumbnail"
    assert b'name="file"; filename="picture.png"\r\nContent-Type: image/png\r\n\r\na picture\r\n' in content
    assert "expected a file that can be read" in apivideo.fails(2, *call, "file=nothing.png")
    assert len(Handler.asked) == 1


def test_the_other_environment_has_no_key(apivideo: Shell) -> None:
    """The sandbox's key is not taken for production's."""
    line = apivideo.fails(3, "call", "apivideo", "videos.list")
    assert "APIVIDEO_API_KEY is not set" in line
    assert Handler.asked == []
