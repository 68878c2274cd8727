# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry: spans and metrics as the conventions for HTTP clients want them, read back from the real SDK."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.trace import SpanKind, StatusCode

from callwell.errors import NotFound
from callwell.observe.opentelemetry import METHODS_VARIABLE, REQUEST_S
from tests.client._async import scripted_client as asynchronous
from tests.client._sync.scripted_client import connect
from tests.client.acme import BASE, KEY
from tests.client.many_callers import make_client
from tests.client.virtual import run_in_virtual_time
from tests.client.world import DEAD, LOST, OK, REFUSED, ListSource, ScriptedProvider, make_error_response, make_response
from tests.observe.telemetry import telemetry

if TYPE_CHECKING:
    from pathlib import Path

SIGNED = "https://storage.test:8443/path?X-Amz-Signature=SIGNATURE"
SERVER = {"http.request.method": "GET", "server.address": "api.acme.test", "server.port": 443}
THING = SERVER | {"url.template": "/v1/things/{thingId}"}


def test_an_attempt_is_a_client_span() -> None:
    """Its name, kind, attributes and status are those of the conventions, the query is not in it."""
    seen = telemetry()
    connect(ScriptedProvider(OK), hooks=[seen.hook]).call("things.list", colour="red", size=2)
    attempt, call = seen.spans
    assert (attempt.name, attempt.kind, attempt.status.status_code) == (
        "GET /v1/things",
        SpanKind.CLIENT,
        StatusCode.UNSET,
    )
    assert dict(attempt.attributes or {}) == SERVER | {
        "url.full": f"{BASE}/things",
        "url.template": "/v1/things",
        "http.response.status_code": 200,
    }
    assert (call.name, call.kind, call.parent) == ("acme things.list", SpanKind.INTERNAL, None)
    assert dict(call.attributes or {}) == {
        "callwell.provider": "acme",
        "callwell.operation": "things.list",
        "callwell.outcome": "done",
        "callwell.attempts": 1,
    }


def test_every_attempt_of_a_call_is_below_it() -> None:
    """Repetitions say which they are, failures what they were, and the call shows its waits."""
    seen = telemetry()
    world = ScriptedProvider(make_error_response(503, "BUSY", retry_after="2"), LOST, REFUSED, OK)
    connect(world, hooks=[seen.hook]).call("things.get", thing_id="1")
    *attempts, call = seen.spans
    assert call.context is not None
    assert {span.parent.span_id for span in attempts if span.parent} == {call.context.span_id}
    assert [
        tuple(
            (span.attributes or {}).get(name) for name in ("http.request.resend_count", "error.type", "callwell.code")
        )
        for span in attempts
    ] == [
        (None, "503", "BUSY"),
        (1, "the_response_broke_off", None),
        (2, "no_connection", None),
        (3, None, None),
    ]
    assert [span.status.status_code for span in attempts] == [StatusCode.ERROR] * 3 + [StatusCode.UNSET]
    assert [span.status.description for span in attempts] == [
        None,
        "the response broke off",
        "no connection: refused",
        None,
    ]
    events = [(event.name, dict(event.attributes or {})) for event in call.events]
    assert events[0] == ("callwell.wait", {"callwell.wait.reason": "backoff", "callwell.wait.seconds": 2.0})
    assert len(events) == 3
    assert call.status.status_code is StatusCode.UNSET


def test_a_refused_call_is_an_error() -> None:
    """Of the attempt by its status, of the call by its outcome."""
    seen = telemetry()
    with pytest.raises(NotFound):
        connect(ScriptedProvider(make_error_response(404, "X")), hooks=[seen.hook]).request("DELETE", "/things/1")
    attempt, call = seen.spans
    assert (attempt.name, attempt.status.status_code) == ("DELETE", StatusCode.ERROR)
    assert (attempt.attributes or {})["error.type"] == "404"
    assert "url.template" not in (attempt.attributes or {})
    assert (call.status.status_code, call.status.description) == (StatusCode.ERROR, "refused")
    assert (call.attributes or {})["callwell.outcome"] == "refused"


def test_the_trace_goes_on_from_the_caller_to_the_provider() -> None:
    """The caller's span is above the call; the request carries the attempt's own context, and no baggage."""
    seen = telemetry()
    world = ScriptedProvider(LOST, OK)
    with seen.tracers.get_tracer("test").start_as_current_span("caller") as caller:
        token = context.attach(baggage.set_baggage("user", "SECRET"))
        connect(world, hooks=[seen.hook]).call("things.get", thing_id="1")
        context.detach(token)
    *attempts, call, _ = seen.spans
    assert call.parent == caller.get_span_context()
    carried = [dict(sent.request.headers)["traceparent"] for sent in world.sent]
    contexts = [span.context for span in attempts if span.context]
    assert carried == [f"00-{item.trace_id:032x}-{item.span_id:016x}-{item.trace_flags:02x}" for item in contexts]
    assert len(set(carried)) == 2
    assert "SECRET" not in str(world.sent)


def test_the_trace_need_not_go_on() -> None:
    """With `propagate=False` the provider gets no header."""
    seen = telemetry(propagate=False)
    world = ScriptedProvider(OK)
    connect(world, hooks=[seen.hook]).call("things.get", thing_id="1")
    assert "traceparent" not in dict(world.sent[0].request.headers)
    assert len(seen.spans) == 2


@pytest.mark.parametrize("side", [connect, asynchronous.connect], ids=["sync", "async"])
def test_pages_that_are_read_ahead_stay_in_the_trace(side: Any) -> None:
    """What a thread or task fetches ahead is below the span of who began to read."""
    seen = telemetry()
    pages = [
        make_response(200, {"data": {"items": [{"id": str(n)}, {"id": f"{n}b"}], "more": n < 3}}) for n in range(4)
    ]
    result = side(ScriptedProvider(*pages), hooks=[seen.hook])

    async def walk() -> int:
        return len([item async for item in result.pages("things.list")])

    with seen.tracers.get_tracer("test").start_as_current_span("caller") as caller:
        got = asyncio.run(walk()) if side is asynchronous.connect else len(list(result.pages("things.list")))
    assert got == 8
    calls = [span for span in seen.spans if span.name == "acme things.list"]
    assert [span.parent for span in calls] == [caller.get_span_context()] * 4


def test_a_file_shows_its_host_alone() -> None:
    """A request to the storage is a client span below the caller's, without path, query and headers of ours."""
    seen = telemetry()
    broken = make_response(200, b"BO", whole=False, content_length="4", etag='"x"')
    world = ScriptedProvider(
        make_response(200, {"data": {"url": SIGNED, "size": 4}}),
        broken,
        make_response(206, b"DY", content_range="bytes 2-3/4"),
    )
    with seen.tracers.get_tracer("test").start_as_current_span("caller") as caller:
        connect(world, hooks=[seen.hook]).asset("things.file", thing_id="1").read()
    first, second = (span for span in seen.spans if (span.attributes or {}).get("server.port") == 8443)
    assert (first.name, first.kind, first.parent) == ("GET", SpanKind.CLIENT, caller.get_span_context())
    where = {"http.request.method": "GET", "server.address": "storage.test", "server.port": 8443}
    facts = {"callwell.provider": "acme", "callwell.operation": "things.file", "url.full": "https://storage.test:8443"}
    assert dict(first.attributes or {}) == where | facts | {
        "http.response.status_code": 200,
        "error.type": "the_response_broke_off",
    }
    assert dict(second.attributes or {}) == where | facts | {"http.response.status_code": 206}
    assert "SIGNATURE" not in "".join(span.to_json() for span in seen.spans)
    assert "/path" not in "".join(span.to_json() for span in seen.spans)
    assert [point.value for point in seen.points("callwell.fetched")] == [4]


def test_no_secret_is_in_any_span_or_metric() -> None:
    """Keys, end users and queries are in neither, dead keys and refusals included."""
    seen = telemetry()
    api = connect(ScriptedProvider(DEAD, OK), source=ListSource([KEY, "acme_second"]), hooks=[seen.hook])
    api._engine.keys._notify = api._engine.notify
    api.call("things.get", thing_id="1")
    api.request("GET", "/any?token=SECRET#SECRET")
    shown = "".join(span.to_json() for span in seen.spans)
    data = seen.reader.get_metrics_data()
    shown += "" if data is None else data.to_json()
    for secret in (KEY, "acme_second", "SECRET"):
        assert secret not in shown
    assert "callwell.key.changes" in shown


def test_the_duration_of_requests_is_a_histogram() -> None:
    """Name, bounds and attributes are those of the conventions, and no address is among them."""
    seen = telemetry()
    api = connect(ScriptedProvider(make_error_response(500, "X"), LOST, OK, took=0.25), hooks=[seen.hook])
    api.call("things.get", thing_id="1")
    api.call("things.get", thing_id="2")
    points = {point.attributes.get("error.type"): point for point in seen.points("http.client.request.duration")}
    assert {name: (dict(point.attributes), point.count, point.sum) for name, point in points.items()} == {
        None: (THING | {"http.response.status_code": 200}, 2, 0.5),
        "500": (THING | {"http.response.status_code": 500, "error.type": "500"}, 1, 0.25),
        "the_response_broke_off": (THING | {"error.type": "the_response_broke_off"}, 1, 0.25),
    }
    assert tuple(points[None].explicit_bounds) == REQUEST_S


def test_calls_waits_and_repetitions_are_counted() -> None:
    """By provider and operation, and by outcome or reason."""
    seen = telemetry()
    connect(ScriptedProvider(make_error_response(503, "X", retry_after="2"), OK, took=0.25), hooks=[seen.hook]).call(
        "things.get", thing_id="1"
    )
    who = {"callwell.provider": "acme", "callwell.operation": "things.get"}
    (call,) = seen.points("callwell.call.duration")
    assert (dict(call.attributes), call.count, call.sum) == (who | {"callwell.outcome": "done"}, 1, 2.5)
    (wait,) = seen.points("callwell.wait.duration")
    assert (dict(wait.attributes), wait.count, wait.sum) == (who | {"callwell.wait.reason": "backoff"}, 1, 2.0)
    assert [(dict(point.attributes), point.value) for point in seen.points("callwell.retries")] == [(who, 1)]


def test_methods_that_nobody_knows_are_not_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A method outside the list is named as the conventions say; the list can be set as they say."""
    seen = telemetry()
    connect(ScriptedProvider(OK), hooks=[seen.hook]).request("PURGE", "/things")
    span = seen.spans[0]
    assert span.name == "HTTP"
    assert span.attributes is not None
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "PURGE"
    monkeypatch.setenv(METHODS_VARIABLE, "GET,PURGE")
    seen = telemetry()
    connect(ScriptedProvider(OK), hooks=[seen.hook]).request("PURGE", "/things")
    assert seen.spans[0].name == "PURGE"


def test_a_call_that_is_cancelled_leaves_no_open_span() -> None:
    """Its attempt and itself end as errors, and the hook keeps nothing."""
    seen = telemetry()

    async def work() -> None:
        one, _ = make_client(hooks=[seen.hook])
        task = asyncio.create_task(one.call("things.get", thing_id="1"))
        await asyncio.sleep(0.7)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_in_virtual_time(work)
    attempt, call = seen.spans
    assert (attempt.attributes or {})["error.type"] == "the_caller_left_before_a_response_came"
    assert (call.attributes or {})["callwell.outcome"] == "unknown"
    assert (seen.hook._calls, seen.hook._sent) == ({}, {})


BY_NAME = """
import sys
from callwell.client import Client
from callwell.keys import Key
from callwell.testing import ScriptedTransport
from callwell.transport.base import Response
from tests.client.acme import KEY, acme

assert not any(name.startswith("opentelemetry") for name in sys.modules)
transport = ScriptedTransport([Response(200, {}, b"{}")] * 2)
made = Client(acme(), key=Key(KEY), hooks=["opentelemetry"], transport=transport)
assert not any(name.startswith("opentelemetry.sdk") for name in sys.modules)
made.call("things.get", thing_id="1")

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
made.call("things.get", thing_id="1")
print([span.name for span in exporter.get_finished_spans()])
print(["traceparent" in dict(request.headers) for request in transport.requests])
"""


def test_by_name_it_uses_the_global_provider(root: Path) -> None:
    """`hooks=["opentelemetry"]` imports the API alone; an SDK that is set up later is used from then on."""
    answer = subprocess.run([sys.executable, "-c", BY_NAME], capture_output=True, text=True, check=True, cwd=root)
    assert answer.stdout.splitlines() == ["['GET /v1/things/{thingId}', 'acme things.get']", "[False, True]"]
