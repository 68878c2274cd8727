# SPDX-License-Identifier: Apache-2.0
"""Prometheus: what is counted, under which names, read back from the text that a program would show."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from callwell.core.rules.profile import RetryRule
from callwell.errors import NotFound
from callwell.observe.prometheus import PrometheusHook
from tests.client._sync.scripted_client import connect
from tests.client.acme import KEY, acme
from tests.client.world import DEAD, LOST, OK, ListSource, ScriptedProvider, make_error_response, make_response

if TYPE_CHECKING:
    from pathlib import Path

SIGNED = "https://storage.test/path?X-Amz-Signature=SIGNATURE"


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry of the test's own."""
    return CollectorRegistry()


def samples(registry: CollectorRegistry, name: str) -> dict[tuple[str, ...], float]:
    """A metric's values by the values of its labels, in the order of the labels' names, as the text shows them."""
    text = generate_latest(registry).decode()
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def busy(registry: CollectorRegistry) -> ScriptedProvider:
    """Calls that meet all that can happen, watched by a hook of this registry."""
    world = ScriptedProvider(
        *(DEAD, make_error_response(429, "X", retry_after="2"), make_error_response(500, "X"), LOST, OK),
        *(make_response(200, {"data": {"url": SIGNED, "size": 4}}), LOST),
        *(
            make_response(200, b"BO", whole=False, content_length="4", etag='"x"'),
            make_response(206, b"DY", content_range="bytes 2-3/4"),
        ),
        make_error_response(404, "X"),
        took=0.25,
    )
    api = connect(world, source=ListSource([KEY, "acme_second"]), hooks=[PrometheusHook(registry)])
    api._engine.keys._notify = api._engine.notify
    api.call("things.get", thing_id="SECRET")
    api.asset("things.file", thing_id="SECRET").read()
    with pytest.raises(NotFound):
        api.request("DELETE", "/things/SECRET", query={"q": "SECRET"})
    return world


def test_what_may_be_billed_is_counted(registry: CollectorRegistry) -> None:
    """Each request that lost its response, where the profile counts those."""
    provider = acme(retry=RetryRule(lost_attempts=2))
    for replies in ((LOST, OK), (OK,)):
        connect(ScriptedProvider(*replies), provider=provider, hooks=[PrometheusHook(registry)]).call(
            "things.get", thing_id="1"
        )
    assert samples(registry, "callwell_possibly_billed_total") == {("things.get", "acme"): 1}


def test_every_kind_of_thing_is_counted(registry: CollectorRegistry) -> None:
    """Attempts by status, calls by outcome, waits by reason, files by bytes, new keys."""
    busy(registry)
    get = ("things.get", "acme")
    file = ("things.file", "acme")
    delete = ("DELETE", "acme")
    assert samples(registry, "callwell_attempts_total") == {
        (*get, "401"): 1,
        (*get, "429"): 1,
        (*get, "500"): 1,
        (*get, "none"): 1,
        (*get, "200"): 1,
        (*file, "200"): 1,
        (*delete, "404"): 1,
    }
    assert samples(registry, "callwell_retries_total") == {get: 4}
    assert samples(registry, "callwell_calls_total") == {
        ("things.get", "done", "acme"): 1,
        ("things.file", "done", "acme"): 1,
        ("DELETE", "refused", "acme"): 1,
    }
    assert samples(registry, "callwell_attempt_duration_seconds_sum") == {get: 1.25, file: 0.25, delete: 0.25}
    assert samples(registry, "callwell_waits_total") == {
        ("acme", "key"): 1,
        ("acme", "throttled"): 1,
        ("acme", "backoff"): 2,
    }
    waits = samples(registry, "callwell_wait_seconds_total")
    assert waits["acme", "throttled"] == 2.0
    spent = samples(registry, "callwell_call_duration_seconds_sum")[get]
    assert spent == pytest.approx(1.25 + 2.0 + waits["acme", "backoff"])
    assert samples(registry, "callwell_fetches_total") == {(*file, "none"): 1, (*file, "200"): 1, (*file, "206"): 1}
    assert samples(registry, "callwell_fetched_bytes_total") == {file: 4}
    assert samples(registry, "callwell_key_changes_total") == {("acme",): 1}


def test_labels_are_bounded(registry: CollectorRegistry) -> None:
    """No address, argument, host or key is in the text, however many there are."""
    busy(registry)
    before = generate_latest(registry).decode()
    for _ in range(3):
        busy(registry)
    after = generate_latest(registry).decode()
    assert len(after.splitlines()) == len(before.splitlines())
    for secret in ("SECRET", "storage.test", "api.acme", "SIGNATURE", KEY, "acme_second"):
        assert secret not in after


def test_many_clients_count_together(registry: CollectorRegistry) -> None:
    """Each registry has one set of metrics, whoever uses it."""
    other = CollectorRegistry()
    for where in (registry, registry, other):
        connect(ScriptedProvider(OK), hooks=[PrometheusHook(where)]).call("things.get", thing_id="1")
    done = ("things.get", "done", "acme")
    assert samples(registry, "callwell_calls_total") == {done: 2}
    assert samples(other, "callwell_calls_total") == {done: 1}


BY_NAME = """
import sys
from callwell.client import Client
from callwell.testing import ScriptedTransport
from callwell.keys import Key
from callwell.transport.base import Response
from tests.client.acme import KEY, acme

assert not any(name.startswith("prometheus_client") for name in sys.modules)
for _ in range(2):
    made = Client(acme(), key=Key(KEY), hooks=["prometheus"], transport=ScriptedTransport([Response(200, {}, b"{}")]))
    made.call("things.get", thing_id="1")
import prometheus_client
print(prometheus_client.generate_latest().decode())
"""


def test_by_name_it_counts_in_the_usual_registry(root: Path) -> None:
    """`hooks=["prometheus"]` imports the library when it is first named, and clients share what it makes."""
    answer = subprocess.run([sys.executable, "-c", BY_NAME], capture_output=True, text=True, check=True, cwd=root)
    line = 'callwell_calls_total{operation="things.get",outcome="done",provider="acme"} 2.0'
    assert line in answer.stdout.splitlines()
