# SPDX-License-Identifier: Apache-2.0
"""Calls as OpenTelemetry spans and metrics, by the stable semantic conventions for HTTP clients.

A call is an INTERNAL span. Each of its attempts, and each request to a storage, is a separate CLIENT span, as the
conventions require for resent requests. Only the API is imported: without an SDK nothing happens.

Attributes come from the notices, which contain no headers, bodies or queries. A storage's address is reduced to its
host. Baggage may contain private data of the program, so it is not sent to providers.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import SpanKind, StatusCode

from callwell.observe.notices import AttemptEnded, CallBegan, CallEnded, FetchEnded, KeyChanged, Waiting
from callwell.observe.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from callwell.observe.notices import AttemptBegan, Notice

METHODS: Final = "CONNECT,DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT,TRACE"
"""Methods that the semantic conventions know, unless the environment variable below names others."""

METHODS_VARIABLE: Final = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"

REQUEST_S: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bucket bounds in seconds: the semantic conventions' advice for `http.client.request.duration`."""

CALL_S: Final = (*REQUEST_S, 30.0, 60.0, 120.0, 300.0, 900.0)
"""Bucket bounds for calls and waits, which may last for a quota's whole window."""

UNSENT: Final = frozenset({"baggage"})
"""Headers of the global propagator that are not sent to providers."""

Attributes = dict[str, str | int | float]


class OpenAttempt(NamedTuple):
    """A running attempt.

    Attributes:
        span: its span.
        attributes: the attributes of its metric.
    """

    span: Span
    attributes: Attributes


class OpenTelemetryHook:
    """A hook that records spans and metrics.

    Args:
        tracer_provider: where spans go; the global one unless given.
        meter_provider: where metrics go; the global one unless given.
        propagate: send the trace context to the provider, in the headers of the global propagator.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagate: bool = True,
    ) -> None:
        self._tracer = trace.get_tracer("callwell", tracer_provider=tracer_provider)
        self._propagate = propagate
        self._methods = frozenset(os.environ.get(METHODS_VARIABLE, METHODS).split(","))
        self._calls: dict[int, Span] = {}
        self._sent: dict[int, OpenAttempt] = {}
        meter = metrics.get_meter("callwell", meter_provider=meter_provider)
        self._request_s = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=REQUEST_S,
        )
        self._call_s = meter.create_histogram(
            "callwell.call.duration",
            unit="s",
            description="From the beginning of a call to its end, waits included.",
            explicit_bucket_boundaries_advisory=CALL_S,
        )
        self._wait_s = meter.create_histogram(
            "callwell.wait.duration",
            unit="s",
            description="Waits, as foreseen when they began.",
            explicit_bucket_boundaries_advisory=CALL_S,
        )
        self._retries = meter.create_counter(
            "callwell.retries", unit="{attempt}", description="Attempts after a call's first."
        )
        self._fetched = meter.create_counter(
            "callwell.fetched", unit="By", description="Bytes of files that arrived from storages."
        )
        self._keys = meter.create_counter("callwell.key.changes", unit="{key}", description="Keys that came into use.")

    def began(self, attempt: AttemptBegan) -> Mapping[str, str]:
        """Begin the span of an attempt, and return the headers that propagate its context."""
        attributes = _request_attributes(self._methods, attempt.method, attempt.host, attempt.port)
        if attempt.template is not None:
            attributes["url.template"] = attempt.template
        span_only: Attributes = {"url.full": attempt.url}
        if attempt.attempt > 1:
            span_only["http.request.resend_count"] = attempt.attempt - 1
        method = attributes["http.request.method"]
        if method == "_OTHER":
            span_only["http.request.method_original"] = attempt.method
        name = f"{'HTTP' if method == '_OTHER' else method} {attempt.template or ''}".rstrip()
        call = self._calls.get(attempt.call)
        parent = None if call is None else trace.set_span_in_context(call)
        span = self._tracer.start_span(name, parent, SpanKind.CLIENT, attributes | span_only)
        self._sent[attempt.call] = OpenAttempt(span, attributes)
        headers: dict[str, str] = {}
        if self._propagate:
            propagate.inject(headers, trace.set_span_in_context(span))
        return {name: value for name, value in headers.items() if name.lower() not in UNSENT}

    def notice(self, notice: Notice) -> None:
        """Begin and end spans, and record metrics."""
        match notice:
            case CallBegan(provider, operation, call):
                self._calls[call] = self._tracer.start_span(
                    f"{provider} {operation}", attributes=_call_attributes(provider, operation)
                )
            case AttemptEnded():
                self._attempt_ended(notice)
            case FetchEnded():
                self._fetch_ended(notice)
            case CallEnded():
                self._call_ended(notice)
            case Waiting(provider, operation, seconds, reason, call):
                self._wait_s.record(seconds, _call_attributes(provider, operation) | {"callwell.wait.reason": reason})
                if call in self._calls:
                    event: Attributes = {"callwell.wait.reason": reason, "callwell.wait.seconds": seconds}
                    self._calls[call].add_event("callwell.wait", event)
            case KeyChanged(provider):
                self._keys.add(1, {"callwell.provider": provider})

    def _attempt_ended(self, notice: AttemptEnded) -> None:
        sent = self._sent.pop(notice.call, None)
        if sent is None:
            return
        result = _result_attributes(notice.status, notice.reason)
        if notice.code is not None:
            sent.span.set_attribute("callwell.code", notice.code)
        _end_span(sent.span, result, notice.reason)
        self._request_s.record(notice.seconds, sent.attributes | result)
        if notice.attempt > 1:
            self._retries.add(1, _call_attributes(notice.provider, notice.operation))

    def _call_ended(self, notice: CallEnded) -> None:
        facts = _call_attributes(notice.provider, notice.operation) | {"callwell.outcome": notice.outcome}
        self._call_s.record(notice.seconds, facts)
        span = self._calls.pop(notice.call, None)
        if span is not None:
            span.set_attributes({"callwell.outcome": notice.outcome, "callwell.attempts": notice.attempts})
            if notice.outcome != "done":
                span.set_status(StatusCode.ERROR, notice.outcome)
            span.end()

    def _fetch_ended(self, notice: FetchEnded) -> None:
        attributes = _request_attributes(self._methods, "GET", notice.host, notice.port)
        result = _result_attributes(notice.status, notice.reason)
        begin = time.time_ns() - int(notice.seconds * 1e9)
        facts = _call_attributes(notice.provider, notice.operation)
        span_attributes = attributes | facts | {"url.full": notice.url}
        span = self._tracer.start_span("GET", None, SpanKind.CLIENT, span_attributes, start_time=begin)
        _end_span(span, result, notice.reason)
        self._request_s.record(notice.seconds, attributes | result)
        self._fetched.add(notice.size, facts)


def _request_attributes(known_methods: frozenset[str], method: str, host: str, port: int) -> Attributes:
    known = method if method in known_methods else "_OTHER"
    return {"http.request.method": known, "server.address": host, "server.port": port}


def _call_attributes(provider: str, operation: str) -> Attributes:
    return {"callwell.provider": provider, "callwell.operation": operation}


def _result_attributes(status: int | None, reason: str) -> Attributes:
    result: Attributes = {} if status is None else {"http.response.status_code": status}
    if status is not None and status >= 400:  # noqa: PLR2004 - errors
        result["error.type"] = str(status)
    elif reason or status is None:
        result["error.type"] = re.sub("[^a-z]+", "_", reason.partition(":")[0].lower()) or "_OTHER"
    return result


def _end_span(span: Span, result: Attributes, reason: str) -> None:
    span.set_attributes(result)
    if "error.type" in result:
        span.set_status(StatusCode.ERROR, redact(reason) or None)
    span.end()
