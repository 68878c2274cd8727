# SPDX-License-Identifier: Apache-2.0
"""What the emulated api.video sends by itself is its own, to `callwell.webhooks` and to the handlers of the page."""

from __future__ import annotations

import io
import threading
import time
from contextlib import chdir, contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import uvicorn

from callwell import Client, errors, webhooks
from callwell.emulator.options import EmulatorOptions
from callwell.keys import Key
from clips import clip
from tests.docs import pages
from tests.emulator.apivideo.webhook_listener import listener
from tests.emulator.harness import fetch
from tests.patience import PATIENCE_S
from tests.processes.program import start
from tests.processes.scaled_clock import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.emulator.process import Running
    from callwell.providers.apivideo.client import Apivideo, WebhookEvent

SUMMARY = "video.summary.generated"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    """A provider with a clock that runs ten times as fast."""
    with start(EmulatorOptions(provider=("apivideo",), clock=clock(10))) as running:
        yield running


@pytest.fixture
def api(emulator: Running) -> Iterator[Apivideo]:
    """A client of it."""
    point = emulator.endpoint("apivideo", "production")
    with Client("apivideo", base_url=point.base_url, key=Key(point.key)) as result:
        yield result


def hooked(api: Apivideo, url: str, *events: Any) -> str:
    """The secret of a new webhook."""
    return str(api.webhooks.create(events=list(events), url=url)["signatureSecret"])


def uploaded(api: Apivideo, emulator: Running) -> str:
    """A new video that webhooks announce."""
    video = api.videos.create(title="t", transcript_summary=True)["videoId"]
    api.videos.upload(video_id=video, file=clip(seconds=1))
    assert fetch(f"{emulator.control}/ledger").status == 200
    return video


def test_deliveries_are_verified(api: Apivideo, emulator: Running) -> None:
    """Each event is known, of this video, and of another webhook's secret it is forged."""
    with listener([]) as (url, heard):
        secret = hooked(api, url, "video.encoding.quality.completed", SUMMARY)
        video = uploaded(api, emulator)
        reported = [heard.get(timeout=PATIENCE_S) for _ in range(3)]
    events = [webhooks.verify("apivideo", *item, secret) for item in reported]
    assert {(event.type, event.known, event.data["videoId"]) for event in events} == {
        ("video.encoding.quality.completed", True, video),
        (SUMMARY, True, video),
    }
    for event in events:
        data: WebhookEvent = event.data
        assert data["type"] == event.type
    with pytest.raises(errors.WebhookForged):
        webhooks.verify("apivideo", *reported[0], "sig_sec_of_another")


def test_a_delivery_that_failed_comes_again_as_it_was(api: Apivideo, emulator: Running) -> None:
    """Three more times, with the same signature and digest, by which a copy is recognised."""
    with listener([500, 404, 503]) as (url, heard):
        secret = hooked(api, url, SUMMARY)
        uploaded(api, emulator)
        tries = [heard.get(timeout=PATIENCE_S) for _ in range(4)]
    events = [webhooks.verify("apivideo", *item, secret) for item in tries]
    assert len({event.digest for event in events}) == 1
    assert len({headers["x-api-video-signature"] for headers, _ in tries}) == 1


@contextmanager
def by_wsgi(app: Any) -> Iterator[str]:
    """The address of a WSGI handler."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def by_asgi(app: Any) -> Iterator[str]:
    """The address of an ASGI handler."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize(("title", "serve"), [("wsgi.py", by_wsgi), ("asgi.py", by_asgi)])
def test_the_handlers_of_the_page(api: Apivideo, emulator: Running, title: str, serve: Any, tmp_path: Path) -> None:
    """They take what is the provider's, and refuse what is not."""
    (sample,) = (block for block in pages.blocks(pages.DOCS / "how" / "webhooks.md", "python") if block.title == title)
    module: dict[str, Any] = {"__name__": title}
    exec(compile(sample.text, title, "exec", dont_inherit=True), module)  # noqa: S102 - our own page
    printed = io.StringIO()
    with chdir(tmp_path), redirect_stdout(printed), serve(module["app"]) as url:
        secret = hooked(api, url, SUMMARY)
        (tmp_path / "webhook.secret").write_text(secret)
        video = uploaded(api, emulator)
        ends_at = time.monotonic() + PATIENCE_S
        while SUMMARY not in printed.getvalue() and time.monotonic() < ends_at:
            time.sleep(0.02)
        forged = fetch(url, "POST", headers={"X-Api-Video-Signature": "00"}, body=b"{}")
    assert forged.status == 400
    assert f"{SUMMARY}: " in printed.getvalue()
    assert video in printed.getvalue()
    assert "refused: apivideo: x-api-video-signature is not the signature of this body" in printed.getvalue()
