# SPDX-License-Identifier: Apache-2.0
"""What is not found may have been deleted: where another operation returns it then, that is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.core.rules.operations import OperationRule
from callwell.core.rules.profile import QuotaRule
from tests.client._async.scripted_client import connect
from tests.client.acme import RULES, acme
from tests.client.running import run
from tests.client.world import LOST, OK, ScriptedProvider, count_held, make_error_response, make_response

if TYPE_CHECKING:
    from callwell.transport.base import NoReply, Request, Response

RULE = OperationRule(gone_if="things.file")
MISSING = make_error_response(404, "NONE", x_request_id="r1")


def called(*elsewhere: Response | NoReply, **options: Any) -> tuple[Any, ScriptedProvider]:
    """What a call gives or raises that finds nothing, when these are the replies of the other operation."""
    replies = list(elsewhere)

    def reply(request: Request) -> Response | NoReply:
        if not request.url.endswith("/file"):
            return MISSING
        return replies.pop(0) if len(replies) > 1 else replies[0]

    world = ScriptedProvider(reply, took=options.pop("took", 0.0))
    quotas = options.pop("quotas", None)
    api = connect(world, provider=acme(quotas, operations={"things.get": RULE, "things.put": RULE}), **options)
    try:
        return run(lambda: api.call("things.get", thing_id="a b")), world
    except errors.CallwellError as error:
        return error, world
    finally:
        assert count_held(api) == 0


def test_what_was_deleted_is_gone() -> None:
    """The other operation is called with the same arguments, and its success decides."""
    error, world = called(OK)
    assert type(error) is errors.Gone
    assert [url.rpartition("/v1")[2] for url in world.urls] == ["/things/a%20b", "/things/a%20b/file"]
    assert (error.status, error.code, error.request_id, error.attempts) == (404, "NONE", "r1", 2)
    assert (error.operation, error.outcome) == ("things.get", "refused")
    assert str(error) == "acme things.get: 404 NONE: because: it was deleted: things.file still finds it"
    assert isinstance(error.__cause__, errors.NotFound)


@pytest.mark.parametrize(
    "elsewhere",
    [
        make_error_response(404, "NONE"),
        make_error_response(403, "NO"),
        make_error_response(400, "BAD"),
        make_response(500),
        LOST,
        make_response(200, b"{"),
        make_error_response(429, "X"),
    ],
)
def test_whatever_else_becomes_of_that_nothing_was_found(elsewhere: Response | NoReply) -> None:
    """A second call that fails hides nothing."""
    error, world = called(elsewhere, deadline_s=20)
    assert type(error) is errors.NotFound
    assert len(world.sent) >= 2
    assert world.times[-1] < 20


def test_it_is_bounded_by_the_same_deadline() -> None:
    """When the first call has used up its time, there is no second one."""
    error, world = called(OK, deadline_s=5, took=5.0)
    assert type(error) is errors.NotFound
    assert len(world.sent) == 1


def test_it_needs_a_permit_of_its_own() -> None:
    """A permit that cannot be had in time leaves it at that; one that can is waited for."""
    narrow = {"minute": QuotaRule(limit=1, window_s=60)}
    error, world = called(OK, quotas=narrow, deadline_s=50)
    assert (type(error), len(world.sent)) == (errors.NotFound, 1)
    error, world = called(OK, quotas=narrow, deadline_s=90)
    assert (type(error), world.times) == (errors.Gone, [0.0, pytest.approx(60.0, abs=0.1)])


@pytest.mark.parametrize("status", [200, 400, 403, 410])
def test_it_costs_nothing_without_a_404(status: int) -> None:
    """No second call is made for what was found, or where the provider itself says it."""
    world = ScriptedProvider(make_response(status, {"data": {}}))
    api = connect(world, provider=acme(operations={"things.get": RULE}))

    def work() -> Any:
        return api.call("things.get", thing_id="1")

    if status == 200:
        run(work)
    else:
        with pytest.raises(errors.ApiError):
            run(work)
    assert len(world.sent) == 1


def test_files_and_raw_answers_are_looked_for_as_well() -> None:
    """Whichever way the call is made."""
    for name, elsewhere in (("things.put", {"name": "n"}), ("things.get", {})):
        api = connect(
            ScriptedProvider(lambda request: OK if request.url.endswith("/file") else MISSING),
            provider=acme(operations={"things.get": RULE, "things.put": RULE}),
        )
        with pytest.raises(errors.Gone):
            run(lambda item=api, name=name, more=elsewhere: item.call_raw(name, thing_id="1", **more))  # type: ignore[misc]
    both = RULES["things.file"]
    rule = OperationRule(asset=both.asset, gone_if="things.get")
    api = connect(
        ScriptedProvider(lambda request: MISSING if request.url.endswith("/file") else OK),
        provider=acme(operations={"things.file": rule}),
    )
    with pytest.raises(errors.Gone):
        run(api.asset("things.file", thing_id="1").info)
