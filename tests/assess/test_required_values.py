# SPDX-License-Identifier: Apache-2.0
"""What every row needs and none has is one error, before anything is sent, written or billed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from callwell.assess import Assessment, AssessmentRow
from callwell.client import AsyncClient
from callwell.client.concurrency import event_loop
from callwell.errors import UsageError
from callwell.keys import Key
from callwell.testing import AsyncScriptedTransport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAME = "language_confidence"
SILENT = AsyncScriptedTransport([])


def refused(folder: Path, rows: Sequence[AssessmentRow], options: dict[str, Any], **how: Any) -> str:
    """The one error of an assessment, without which it is refused before it begins."""

    async def work() -> None:
        result = {"key": Key("k" * 40), "user_secret": Key("0123456789abcdef"), "transport": SILENT, **options}
        async with AsyncClient(NAME, **result) as client:
            Assessment(client, rows, folder / "out", **how)

    with pytest.raises(UsageError) as caught:
        event_loop.run(work())
    assert type(caught.value) is UsageError
    assert not (folder / "out").exists()
    assert SILENT.requests == []
    return str(caught.value)


def rows(folder: Path, count: int, **fields: Any) -> list[AssessmentRow]:
    """Rows of one manifest; no file of theirs is looked at."""
    return [AssessmentRow(folder / f"{n}.wav", manifest="class.csv", number=n + 2, **fields) for n in range(count)]


@pytest.mark.parametrize("count", [1, 2, 60])
def test_without_accent(tmp_path: Path, count: int) -> None:
    """However many rows there are; the error says which there are and where to say one."""
    message = refused(tmp_path, rows(tmp_path, count, text="Hello."), {})
    assert message == (
        "nothing was sent, because no row can be assessed: the accent is missing: add --accent NAME (one of us, uk) or "
        "a column `accent` to the manifest"
    )


def test_without_text(tmp_path: Path) -> None:
    """With the way to do without."""
    message = refused(tmp_path, rows(tmp_path, 3, accent="us"), {})
    assert (
        "the expected text is missing: add a manifest with a column `expected_text`, or --operation unscripted"
        in message
    )
    assert "accent" not in message.partition("text")[0]


def test_without_end_user(tmp_path: Path) -> None:
    """Where the plan is billed by them; a client that speaks for one is enough."""
    plan = {"plan": "monthly-active-users"}
    message = refused(tmp_path, rows(tmp_path, 3, accent="us", text="Hello."), plan)
    assert "the end user is missing, and this plan bills by end user: add --for-user ID or a column `user`" in message
    assert "end user" not in refused(tmp_path, rows(tmp_path, 3, text="Hello."), plan | {"for_user": "ann"})


def test_everything_at_once(tmp_path: Path) -> None:
    """One error has all that is missing, so that one more run is enough."""
    message = refused(tmp_path, [AssessmentRow(tmp_path / "a.wav")], {"plan": "monthly-active-users"})
    assert [word in message for word in ("accent is missing", "text is missing", "end user is missing")] == [True] * 3
    assert "in the manifest" not in message


def test_an_operation_that_the_environment_has_not(tmp_path: Path) -> None:
    """It would be refused for every row."""
    message = refused(tmp_path, rows(tmp_path, 2, accent="us", text="Hi."), {"environment": "rapidapi_unscripted"})
    assert "this environment has no operation assess.scripted: add --operation NAME (assess.unscripted)" in message


def test_one_row_that_has_it(tmp_path: Path) -> None:
    """What some rows have is no matter of all: those without fail alone, later."""

    async def work() -> None:
        async with AsyncClient(NAME, key=Key("k" * 40), transport=SILENT) as client:
            mixed = [*rows(tmp_path, 2, text="Hi."), *rows(tmp_path, 1, text="Hi.", accent="us")]
            Assessment(client, mixed, tmp_path / "out")
            Assessment(client, rows(tmp_path, 2, accent="us", operation="unscripted"), tmp_path / "out")
            Assessment(client, [], tmp_path / "out")

    event_loop.run(work())
