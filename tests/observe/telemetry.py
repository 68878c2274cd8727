# SPDX-License-Identifier: Apache-2.0
"""The bundled OpenTelemetry hook with a real SDK behind it, which keeps spans and metrics in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from callwell.observe.opentelemetry import OpenTelemetryHook

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan


class Telemetry(NamedTuple):
    """A hook, and what it has made."""

    hook: OpenTelemetryHook
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    tracers: TracerProvider

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in that order."""
        return list(self.exporter.get_finished_spans())

    def points(self, name: str) -> list[Any]:
        """What a metric has, in the order of its attributes."""
        data = self.reader.get_metrics_data()
        found = [] if data is None else data.resource_metrics[0].scope_metrics[0].metrics
        points = [point for metric in found if metric.name == name for point in metric.data.data_points]
        return sorted(points, key=lambda point: str(sorted(point.attributes.items())))


def telemetry(**options: Any) -> Telemetry:
    """A hook with an SDK of its own."""
    exporter = InMemorySpanExporter()
    reader = InMemoryMetricReader()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    meters = MeterProvider([reader], shutdown_on_exit=False)
    return Telemetry(
        OpenTelemetryHook(tracer_provider=tracers, meter_provider=meters, **options), exporter, reader, tracers
    )
