# SPDX-License-Identifier: Apache-2.0
"""Assesses many recordings.

::

    rows ─► check all of them ─► convert recordings in threads ─► send concurrently ─► results, scores, report

The client caches every result by the content that was sent. So the same content is billed once, even if it is in two
rows or the assessment was killed and runs again; a second run sends only missing and failed rows.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.assess import report_page, results
from callwell.assess.report import AssessmentProgress, AssessmentReport
from callwell.assess.required_values import check_required_values
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
"""Rows processed concurrently; the provider's quota decides how many of them are sent concurrently."""

FATAL: Final = (KeyProblem, ClosedError, ConnectFailed, StateError, DiskFull)
"""Errors that every other row would get too."""


class PreparedTask(NamedTuple):
    """A recording that is converted and ready to be sent.

    Attributes:
        arguments: the arguments with the recording.
        digest: the SHA-256 of what is sent.
        details: fields about it in the results.
        duration_s: its length in seconds.
        size_before: bytes of the file.
        size: bytes to send, before they are encoded into the request.
    """

    arguments: dict[str, str]
    digest: str
    details: dict[str, Any]
    duration_s: float
    size_before: int
    size: int


class Assessment:
    """One assessment of many recordings.

    Args:
        client: the client; it should have `priority="batch"` and a persistent state.
        rows: the recordings.
        folder: the folder for the results.
        operation: the operation of rows without one; by default the provider's usual one.
        accent: the accent of rows without one.
        workers: rows processed concurrently.
        force: assess recordings again even if they have a result; this is billed again.
        on_progress: called with the progress after every change.

    Raises:
        UsageError: the provider has no assessments, or all rows lack something that they need.
        InvalidOption: there is no such operation or accent.
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
        on_progress: Callable[[AssessmentProgress], None] = lambda _progress: None,
    ) -> None:
        config = client.config
        self._client = client
        self._rows = tuple(rows)
        self._rules = AssessmentRules(client.provider, operation=operation, accent=accent)
        self._workers = workers
        self._force = force
        self._on_progress = on_progress
        options = client._caller.options  # noqa: SLF001 - a client does not publish the options it was made with
        user_required = config.end_users is not None and config.end_users.required and options.for_user is None
        check_required_values(self._rules, self._rows, operations=config.operations, user_required=user_required)
        owner = {"provider": client.provider.name, "address": config.base_url, "account": config.account}
        files = (results.RESULTS_NAME, results.SCORES_NAME, report_page.NAME)
        self._output = OutputFolder(Path(folder), owner, kind="assessment", files=files)
        self._progress = AssessmentProgress(rows=len(self._rows))
        self._failed: dict[int, RowFailed] = {}
        self._tally = ScoreTally()
        self._locks: dict[tuple[str, ...], asyncio.Lock] = {}
        self._sent: set[tuple[str, ...]] = set()

    async def run(self) -> AssessmentReport:
        """Run the assessment.

        Raises:
            LocalError: a problem with the folder, the disk or the state.
            KeyProblem: a problem with the key.
            ConnectFailed: a problem with the network.
            CallwellError: anything else that stops it; the same assessment continues later where it stopped.
        """
        try:
            self._output.claim()
            with self._output.temporary_file("rows") as file:
                lines = results.ResultLines(file)
                await self._assess(lines)
                return self._write_results(lines)
        finally:
            self._output.release()

    async def _assess(self, lines: results.ResultLines) -> None:
        waiting = iter(list(self._tasks(lines)))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            try:
                await run_workers(min(self._workers, len(self._rows)), lambda: self._work(waiting, lines, pool))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _tasks(self, lines: results.ResultLines) -> Iterator[tuple[int, Task]]:
        """The rows that can be sent, as far as is known without reading the recordings."""
        for position, row in enumerate(self._rows):
            try:
                yield position, self._rules.task(row)
            except CallwellError as error:
                self._fail(position, row, error, lines)

    async def _work(
        self, waiting: Iterator[tuple[int, Task]], lines: results.ResultLines, pool: ThreadPoolExecutor
    ) -> None:
        loop = asyncio.get_running_loop()
        for position, task in waiting:
            try:
                prepared = await loop.run_in_executor(pool, _prepare, task, self._client.provider)
                answer = await self._send(task, prepared)
            except FATAL:
                raise
            except CallwellError as error:
                if type(error) is UsageError:  # a missing package, for instance: every other row would fail too
                    raise
                self._fail(position, task.row, error, lines)
            else:
                self._finish(position, task, prepared, answer, lines=lines)

    async def _send(self, task: Task, prepared: PreparedTask) -> Answer:
        """Send a row, or read its cached answer. Rows with the same content wait for the first of them."""
        content = (task.operation, *task.arguments.values(), prepared.digest)
        async with self._locks.setdefault(content, asyncio.Lock()):
            client = self._client if task.row.user is None else self._client.with_options(for_user=task.row.user)
            if client.provider.rule(task.operation).remember:
                client = client.with_options(remember=True, force=self._force and content not in self._sent)
            answer = await client.call_raw(task.operation, **task.arguments, **prepared.arguments)
            self._sent.add(content)
            return answer

    def _finish(
        self, position: int, task: Task, prepared: PreparedTask, answer: Answer, *, lines: results.ResultLines
    ) -> None:
        scores = extract_scores(task.rule, answer.json)
        remembered = answer.attempts == 0
        self._tally.add(task.row.user, scores)
        row = task.row._replace(operation=task.operation, accent=task.arguments.get(task.rule.accent or ""))
        details = {
            "score": scores.overall,
            "remembered": remembered,
            "possibly_billed": answer.possibly_billed,
            **prepared.details,
        }
        lines.add(position, results.result_line(row, details, answer.body))
        progress = self._progress._replace(
            done=self._progress.done + 1,
            remembered=self._progress.remembered + remembered,
            possibly_billed=self._progress.possibly_billed + answer.possibly_billed,
        )
        if not remembered:
            progress = progress._replace(
                audio_s=progress.audio_s + prepared.duration_s,
                bytes=progress.bytes + prepared.size_before,
                sent=progress.sent + prepared.size,
            )
        self._update_progress(progress)

    def _fail(self, position: int, row: AssessmentRow, error: CallwellError, lines: results.ResultLines) -> None:
        failed = row.failed(error)
        self._failed[position] = failed
        lines.add(position, results.failure_line(row, failed))
        billed = error.possibly_billed if isinstance(error, CallError) else 0
        progress = self._progress
        self._update_progress(
            progress._replace(failed=progress.failed + 1, possibly_billed=progress.possibly_billed + billed)
        )

    def _write_results(self, lines: results.ResultLines) -> AssessmentReport:
        progress = self._progress
        report = AssessmentReport(
            rows=progress.rows,
            assessed=progress.done - progress.remembered,
            remembered=progress.remembered,
            failed=tuple(error for _, error in sorted(self._failed.items())),
            audio_s=progress.audio_s,
            bytes=progress.bytes,
            sent=progress.sent,
            possibly_billed=progress.possibly_billed,
        )
        self._output.write_lines(results.RESULTS_NAME, lines.read())
        self._output.write(results.SCORES_NAME, results.csv_lines(lines.read()))
        title = self._client.provider.profile.title
        recordings = results.scored_recordings(lines.read())
        page = report_page.render_page(title, report, self._tally, recordings)
        self._output.write(report_page.NAME, [page])
        return report

    def _update_progress(self, progress: AssessmentProgress) -> None:
        self._progress = progress
        self._on_progress(progress)


def _prepare(task: Task, provider: Provider) -> PreparedTask:
    """Read and convert a recording. This runs in a thread, because it is CPU-bound."""
    recording = prepare(task.row.file, provider, task.operation)
    return PreparedTask(
        arguments=recording.arguments,
        digest=hashlib.sha256(recording.data).hexdigest(),
        details={
            "prepared": recording.done,
            "duration_s": round(recording.duration_s, 3),
            "cautions": [str(caution) for caution in recording.cautions],
        },
        duration_s=recording.duration_s,
        size_before=recording.size_before,
        size=len(recording.data),
    )
