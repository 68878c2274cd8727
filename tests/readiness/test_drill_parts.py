# SPDX-License-Identifier: Apache-2.0
"""The parts of drills that need no emulator: arguments of a workload, and verdicts about rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.description import catalog
from callwell.emulator.ledger import LedgerRow
from callwell.readiness.drills import verdict
from callwell.readiness.drills.arguments import fill_arguments, find_ids, invent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.readiness.drills.verdict import Proof

USERPLANE: Final = catalog.load("userplane")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "integer", "default": 7}, 7),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": ["null", "boolean"]}, False),
        ({"type": "string", "maxLength": 4}, "call"),
        ({"type": "string", "minLength": 15}, "callwell drillc"),
        ({"type": "string", "format": "uri"}, "https://example.com/drill"),
        ({"type": "string", "format": "binary"}, None),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array", "items": {"type": "string", "format": "binary"}}, None),
        ({"oneOf": [{"type": "number"}, {"type": "string"}]}, 1),
        ({"properties": {"a": {"const": 2}, "b": {}}, "required": ["a"]}, {"a": 2}),
    ],
)
def test_values_are_what_a_schema_allows(schema: dict[str, Any], value: object) -> None:
    """What the schema itself names comes first; a file cannot be invented."""
    assert invent(schema) == value


def test_ids_lead_from_one_operation_to_the_next() -> None:
    """Of a list its first item counts, and a bare `id` belongs to what the list or the group is called."""
    listed = USERPLANE.operation("workspaces.list")
    got = USERPLANE.operation("workspaces.get")
    assert fill_arguments(USERPLANE, got, {}) is None
    known = find_ids(listed, {"workspaces": [{"workspaceId": "w1"}, {"workspaceId": "w2"}]})
    assert fill_arguments(USERPLANE, got, known) == {"workspace_id": "w1"}
    assert find_ids(listed, {"id": "x", "teams": [{"id": 5}]}) == {"workspaceid": "x", "teamid": 5}


JSON: Final = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "aId", "b"]), inner),
    max_leaves=20,
)


@given(JSON)
def test_ids_are_texts_and_numbers(result: object) -> None:
    """Whatever a result is, what is found in it can be sent as an argument."""
    found = find_ids(USERPLANE.operation("me.get"), result)
    assert all(isinstance(value, str | int) for value in found.values())


def row(second: float, status: int, path: str = "/a", **facts: Any) -> LedgerRow:
    """A request to the API, answered at once."""
    return LedgerRow(
        place="api",
        operation="a",
        path=path,
        status=status,
        whole=True,
        arrived_s=second,
        arrived_real_s=second,
        ended_s=second,
        ended_real_s=second,
        **{"method": "GET", **facts},
    )


def failed(proofs: Iterable[Proof]) -> set[str]:
    """The names of what was disproved."""
    return {proof.name for proof in proofs if not proof.holds}


def test_the_verdict_about_throttling() -> None:
    """A request that is made again in time is fine; one that is not, comes early or too often is not."""
    refused = row(0, 429, retry_until_s=4.0)
    assert failed(verdict.prove_throttling([refused, row(4.1, 200)])) == set()
    assert failed(verdict.prove_throttling([refused, row(4.1, 200, "/b")])) == {"lost"}
    assert failed(verdict.prove_throttling([refused, row(2, 200)])) == {"early"}
    again = [row(number / 100, 429, retry_until_s=0.2) for number in range(20)]
    assert failed(verdict.prove_throttling([*again, row(5, 200)])) == {"amplification"}
    assert failed(verdict.prove_throttling([row(0, 200, key_misplaced=True)])) == {"key-misplaced"}


def test_the_verdict_about_a_rotation() -> None:
    """The old key works, is refused, and is not used once the new one was accepted."""
    before = row(0, 200, key="old", key_accepted=True)
    refused = row(1, 401, key="old", key_dead=True)
    after = row(2, 200, key="new", key_accepted=True)
    late = row(9, 401, "/b", key="old", key_dead=True)
    in_flight = row(2.1, 401, "/b", key="old", key_dead=True)
    retried = row(2.3, 200, "/b", key="new", key_accepted=True)
    cases: tuple[tuple[list[LedgerRow], set[str]], ...] = (
        ([before, refused, after], set()),
        ([before, refused, after, in_flight, retried], set()),
        ([refused, after], {"old-key"}),
        ([before, refused], {"new-key", "lost"}),
        ([before, refused, after, late], {"lost", "old-key-late"}),
        ([before, *[refused] * 9, after], {"refused"}),
    )
    for rows, expected in cases:
        assert failed(verdict.prove_rotation(rows, "old", "new")) == expected


def test_the_verdict_about_server_errors_and_lost_responses() -> None:
    """A read must be repeated, a creation must not."""
    assert failed(verdict.prove_server_errors([row(0, 503), row(1, 200)])) == set()
    assert failed(verdict.prove_server_errors([row(0, 503)])) == {"lost"}
    assert failed(verdict.prove_server_errors([row(0, 503, method="POST")])) == set()
    lost = row(0, 201, method="POST", effect=True, fault="lost_reply")
    again = row(1, 201, method="POST", effect=True)
    assert failed(verdict.prove_single_effects([lost])) == set()
    assert failed(verdict.prove_single_effects([lost, row(1, 409, method="POST")])) == set()
    assert failed(verdict.prove_single_effects([lost, again])) == {"created-twice"}
