# SPDX-License-Identifier: Apache-2.0
"""Calls as Prometheus metrics, in the registry that the program already exports.

Labels are providers, operations, statuses, outcomes and wait reasons: their number does not grow with use.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from prometheus_client import REGISTRY, Counter, Histogram

from callwell.observe.notices import AttemptEnded, CallEnded, FetchEnded, KeyChanged, Waiting

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from callwell.observe.notices import AttemptBegan, Notice

NO_RESPONSE: Final = "none"
"""The status label of a request without a response."""

ATTEMPT_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bucket bounds of requests in seconds, up to the default timeout of one (`attempt_s` of a profile's retry rule)."""

CALL_BUCKETS_S: Final = (*ATTEMPT_BUCKETS_S, 120.0, 300.0, 900.0)
"""Bucket bounds of calls in seconds: a call may wait for a window of 15 minutes."""


class Metrics:
    """The metrics in one registry.

    Args:
        registry: where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["provider", "operation"]
        self.attempts = Counter(
            "callwell_attempts", "Requests sent to providers.", [*labels, "status"], registry=registry
        )
        self.attempt_s = Histogram(
            "callwell_attempt_duration_seconds",
            "From sending a request to its response.",
            labels,
            registry=registry,
            buckets=ATTEMPT_BUCKETS_S,
        )
        self.calls = Counter("callwell_calls", "Calls that have ended.", [*labels, "outcome"], registry=registry)
        self.call_s = Histogram(
            "callwell_call_duration_seconds",
            "From the beginning of a call to its end, waits included.",
            labels,
            registry=registry,
            buckets=CALL_BUCKETS_S,
        )
        self.retries = Counter("callwell_retries", "Attempts after a call's first.", labels, registry=registry)
        self.billed = Counter(
            "callwell_possibly_billed",
            "Requests that lost their response and may be billed.",
            labels,
            registry=registry,
        )
        self.waits = Counter("callwell_waits", "Waits begun.", ["provider", "reason"], registry=registry)
        self.wait_s = Counter(
            "callwell_wait_seconds",
            "Seconds of these waits, as foreseen when they began.",
            ["provider", "reason"],
            registry=registry,
        )
        self.fetches = Counter(
            "callwell_fetches", "Requests for files, sent to storage.", [*labels, "status"], registry=registry
        )
        self.fetched = Counter("callwell_fetched_bytes", "Bytes of files that arrived.", labels, registry=registry)
        self.keys = Counter("callwell_key_changes", "Keys that came into use.", ["provider"], registry=registry)


class PrometheusHook:
    """A hook that records metrics. All hooks of one registry share them.

    Args:
        registry: where the metrics are registered; the default registry unless given.
    """

    _by_registry: Final[WeakKeyDictionary[CollectorRegistry, Metrics]] = WeakKeyDictionary()
    _lock: Final = Lock()

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        with self._lock:
            if registry not in self._by_registry:
                self._by_registry[registry] = Metrics(registry)
            self._metrics = self._by_registry[registry]

    def began(self, attempt: AttemptBegan) -> None:
        """Do nothing: requests are counted when they end."""

    def notice(self, notice: Notice) -> None:
        """Update the metrics."""
        metrics = self._metrics
        match notice:
            case AttemptEnded(provider, operation, attempt, status, _, _, seconds):
                metrics.attempts.labels(provider, operation, str(status or NO_RESPONSE)).inc()
                metrics.attempt_s.labels(provider, operation).observe(seconds)
                if attempt > 1:
                    metrics.retries.labels(provider, operation).inc()
            case CallEnded(provider, operation, _, outcome, seconds, billed):
                metrics.calls.labels(provider, operation, outcome).inc()
                if billed:
                    metrics.billed.labels(provider, operation).inc(billed)
                metrics.call_s.labels(provider, operation).observe(seconds)
            case Waiting(provider, _, seconds, reason):
                metrics.waits.labels(provider, reason).inc()
                metrics.wait_s.labels(provider, reason).inc(seconds)
            case FetchEnded(provider, operation, status, _, size):
                metrics.fetches.labels(provider, operation, str(status or NO_RESPONSE)).inc()
                metrics.fetched.labels(provider, operation).inc(size)
            case KeyChanged(provider):
                metrics.keys.labels(provider).inc()
