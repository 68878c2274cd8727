# SPDX-License-Identifier: Apache-2.0
"""A 206 to a request for the whole: a part of a file never passes for all of it."""

from __future__ import annotations

from typing import Any

import pytest

from callwell import errors
from tests.client._async.scripted_client import connect
from tests.client.acme import STRING_SCHEMA, parameter
from tests.client.running import run
from tests.client.test_answer_values import acme_answering
from tests.client.world import ScriptedProvider, make_response

PART = "bytes 0-3/9"


def answered(provider: Any, body: Any, content_range: str = "", **arguments: Any) -> Any:
    """What a call gives whose answer is always this 206, or the error that it raises."""
    headers: dict[str, Any] = {"content_range": content_range} if content_range else {}
    world = ScriptedProvider(make_response(206, body, content_type="text/csv", **headers))

    async def work() -> Any:
        async with connect(world, provider=provider) as api:
            return await api.call("things.get", thing_id="1", **arguments)

    try:
        return run(work)
    except errors.CallwellError as error:
        return error


@pytest.mark.parametrize("content_range", ["", PART, "bytes 4-8/9", "bytes 4-8/*", "bytes */9", "lines 0-3/9"])
def test_a_part_of_a_file_is_not_the_file(content_range: str) -> None:
    """Whatever its range is, unless that is all of it."""
    failed = answered(acme_answering("text/csv"), b"a,b\n", content_range)
    assert isinstance(failed, errors.UnexpectedAnswer)
    assert "only a part, although the whole was requested" in str(failed)


def test_all_of_a_file_may_be_called_a_part() -> None:
    """Some storages answer with 206 for everything."""
    assert answered(acme_answering("text/csv"), b"a,b\n", "bytes 0-3/4") == "a,b\n"


def test_a_part_that_was_asked_for_is_the_answer() -> None:
    """An operation that takes a range gives parts."""
    ranged = parameter("range", "header", STRING_SCHEMA, wire="Range")
    id_in_path = acme_answering("text/csv").api.operations["things.get"].parameters
    provider = acme_answering("text/csv", parameters=(*id_in_path, ranged))
    assert answered(provider, b"a,b\n", PART, range="bytes=0-3") == "a,b\n"


@pytest.mark.parametrize("content_range", ["", "id 0..9", "items 0-9/20"])
def test_a_list_may_be_partial(content_range: str) -> None:
    """JSON with 206 is a page of a list for some providers, and its range is not of bytes."""
    provider = acme_answering("application/json")
    assert answered(provider, {"data": {"id": "1"}}, content_range) == {"id": "1"}


def test_a_part_of_a_json_text_is_not_the_text() -> None:
    """Although it may be JSON itself."""
    failed = answered(acme_answering("application/json"), [1, 2], PART)
    assert isinstance(failed, errors.UnexpectedAnswer)
