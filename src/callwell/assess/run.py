# SPDX-License-Identifier: Apache-2.0
"""The assessment: look at all rows, make the recordings ready in threads, send many at once, write what came of it.

Every result is remembered by the client, by what was sent. So the same content is billed once, whether it stands in two
rows or the assessment was killed and runs again; a second run sends only what is missing or has failed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.assess import report_page, required_values, results
from callwell.assess.report import AssessmentProgress, AssessmentReport
from callwell.assess.rows import AssessmentRules
from callwell.assess.scores import ScoreTally, extract_scores
from callwell.client.concurrency.event_loop import run_workers
from callwell.errors import (
    CallError,
    CallwellError,
    ClosedError,
    ConnectFailed,
    DiskFull,
    KeyProblem,
    RowFailed,
    StateError,
    UsageError,
)
from callwell.export.output_folder import OutputFolder
from callwell.media import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from callwell.assess.rows import AssessmentRow, Task
    from callwell.client import AsyncClient
    from callwell.client.calls.responses import Answer
    from callwell.description.provider import Provider

WORKERS: Final = 64
"""Rows that are under way at once; how many of them are sent at once, the provider's pace decides."""

FATAL: Final = (KeyProblem, ClosedError, ConnectFailed, StateError, DiskFull)
"""What would go wrong with every further row as well."""


class PreparedTask(NamedTuple):
    """A recording that was made ready.

    Attributes:
        arguments: what the operation is called with.
        digest: of what is sent.
        said: what is told of it in the results.
        seconds: how long it is.
        before: bytes of the file.
        after: bytes that are sent, before they are put into the request.
    """

    arguments: dict[str, str]
    digest: str
    said: dict[str, Any]
    seconds: float
    before: int
    after: int


class Assessment:
    """One assessment of many recordings.

    Args:
        client: which makes the calls; its options should be those of batch work, its state one that lasts.
        rows: what is to be assessed.
        folder: where the results go.
        operation: the operation of rows that name none; the provider's usual one unless given.
        accent: the accent of rows that name none.
        workers: rows under way at once.
        force: send what was assessed before as well, which is billed again.
        show: called with the progress after every change.

    Raises:
        UsageError: the provider assesses nothing; or no row has something that all of them need.
        InvalidOption: an operation or accent that there is not.
    """

    def __init__(
        self,
        client: AsyncClient,
        rows: Iterable[AssessmentRow],
        folder: str | Path,
        *,
        operation: str | None = None,
        accent: str | None = None,
        workers: int = WORKERS,
        force: bool = False,
        show: Callable[[AssessmentProgress], None] = lambda _progress: None,
    ) -> None:
        setting = client.config
        self._client = client
        self._rows = tuple(rows)
        self._rules = AssessmentRules(client.provider, operation=operation, accent=accent)
        self._workers = workers
        self._force = force
        self._show = show
        users = setting.end_users
        chosen = client._caller.options  # noqa: SLF001 - what a client was made with is shown nowhere else
        required = users is not None and users.required and chosen.for_user is None
        required_values.check_required_values(
            self._rules, self._rows, operations=setting.operations, user_required=required
        )
        owner = {"provider": client.provider.name, "address": setting.base_url, "account": setting.account}
        files = (results.LINES, results.TABLE, report_page.NAME)
        self._tree = OutputFolder(Path(folder), owner, what="assessment", files=files)
        self._progress = AssessmentProgress(rows=len(self._rows))
        self._failed: dict[int, RowFailed] = {}
        self._tally = ScoreTally()
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}
        self._sent: set[tuple[str, ...]] = set()

    async def run(self) -> AssessmentReport:
        """Do it.

        Raises:
            LocalError: the folder, the disk or the state.
            KeyProblem: the key.
            ConnectFailed: the network.
            CallwellError: whatever else makes going on useless; the same assessment goes on later where it stopped.
        """
        try:
            self._tree.claim()
            with self._tree.spool("rows") as file:
                book = results.ResultLines(file)
                await self._assess(book)
                return self._written(book)
        finally:
            self._tree.release()

    async def _assess(self, book: results.ResultLines) -> None:
        waiting = iter(list(self._tasks(book)))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            try:
                await run_workers(min(self._workers, len(self._rows)), lambda: self._work(waiting, book, pool))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _tasks(self, book: results.ResultLines) -> Iterator[tuple[int, Task]]:
        """The rows that can be sent, as far as can be told without listening."""
        for place, row in enumerate(self._rows):
            try:
                yield place, self._rules.task(row)
            except CallwellError as error:
                self._fail(place, row, error, book)

    async def _work(
        self, waiting: Iterator[tuple[int, Task]], book: results.ResultLines, pool: ThreadPoolExecutor
    ) -> None:
        loop = asyncio.get_running_loop()
        for place, task in waiting:
            try:
                ready = await loop.run_in_executor(pool, _ready, task, self._client.provider)
                answer = await self._asked(task, ready)
            except FATAL:
                raise
            except CallwellError as error:
                if type(error) is UsageError:
                    raise
                self._fail(place, task.row, error, book)
            else:
                self._finish(place, task, ready, answer, book=book)

    async def _asked(self, task: Task, ready: PreparedTask) -> Answer:
        key = (task.operation, *task.arguments.values(), ready.digest)
        async with self._locks.setdefault(key, asyncio.Lock()):
            client = self._client if task.row.user is None else self._client.with_options(for_user=task.row.user)
            if client.provider.rule(task.operation).remember:
                client = client.with_options(remember=True, force=self._force and key not in self._sent)
            answer = await client.call_raw(task.operation, **task.arguments, **ready.arguments)
            self._sent.add(key)
            return answer

    def _finish(
        self, place: int, task: Task, ready: PreparedTask, answer: Answer, *, book: results.ResultLines
    ) -> None:
        found, new, billed = extract_scores(task.rule, answer.json), answer.attempts > 0, answer.possibly_billed
        self._tally.add(task.row.user, found)
        accent = task.arguments.get(task.rule.accent or "")
        row = task.row._replace(operation=task.operation, accent=accent)
        said = {"score": found.score, "remembered": not new, "possibly_billed": billed, **ready.said}
        book.add(place, results.done(row, said, answer.body))
        p = self._progress
        self._advance(
            done=p.done + 1,
            remembered=p.remembered + (not new),
            audio_s=p.audio_s + ready.seconds * new,
            bytes=p.bytes + ready.before * new,
            sent=p.sent + ready.after * new,
            possibly_billed=p.possibly_billed + billed,
        )

    def _fail(self, place: int, row: AssessmentRow, error: CallwellError, book: results.ResultLines) -> None:
        failed = self._failed[place] = row.failed(error)
        book.add(place, results.failed(row, failed))
        billed = error.possibly_billed if isinstance(error, CallError) else 0
        p = self._progress
        self._advance(failed=p.failed + 1, possibly_billed=p.possibly_billed + billed)

    def _written(self, book: results.ResultLines) -> AssessmentReport:
        p = self._progress
        failed = tuple(error for _, error in sorted(self._failed.items()))
        report = AssessmentReport(
            p.rows, p.done - p.remembered, p.remembered, failed, p.audio_s, p.bytes, p.sent, p.possibly_billed
        )
        self._tree.write_lines(results.LINES, book.lines())
        self._tree.write(results.TABLE, results.table(book.lines()))
        title = self._client.provider.profile.title
        self._tree.write(
            report_page.NAME, [report_page.render_page(title, report, self._tally, results.scores(book.lines()))]
        )
        return report

    def _advance(self, **changes: Any) -> None:
        self._progress = self._progress._replace(**changes)
        self._show(self._progress)


def _ready(task: Task, provider: Provider) -> PreparedTask:
    """Make a recording ready, in a thread."""
    prepared = prepare(task.row.file, provider, task.operation)
    cautions = [str(caution) for caution in prepared.cautions]
    said = {"prepared": prepared.done, "duration_s": round(prepared.duration_s, 3), "cautions": cautions}
    digest = hashlib.sha256(prepared.data).hexdigest()
    size = prepared.size_before
    return PreparedTask(prepared.arguments, digest, said, prepared.duration_s, size, len(prepared.data))
