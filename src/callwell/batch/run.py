# SPDX-License-Identifier: Apache-2.0
"""Uploads a batch of files, several in parallel; a failed file does not stop the others."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from callwell.batch.journal import UploadJournal
from callwell.batch.report import FileInProgress, FileResult, UploadProgress, UploadReport
from callwell.client.concurrency.event_loop import run_workers
from callwell.client.concurrency.primitives import post_to_state, use_state
from callwell.client.uploads import files
from callwell.errors import (
    CallwellError,
    DiskFull,
    InvalidOption,
    KeyProblem,
    NameTaken,
    NoAnswer,
    StateError,
    UploadMismatch,
    UsageError,
)
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Literal

    from callwell.client import AsyncClient
    from callwell.client.uploads.options import Uploaded, UploadOptions

T = TypeVar("T")

FILES_AT_ONCE: Final = 4
"""Files sent in parallel: small ones need three consecutive calls each, so several files hide that latency; large ones
share the link anyway through their parallel pieces."""

FATAL: Final = (KeyProblem, NoAnswer, StateError, DiskFull, UsageError)
"""Errors that stop the batch, because every other file would get them too."""


class PlannedFile(NamedTuple):
    """A file to upload.

    Attributes:
        path: the file.
        arguments: arguments of the operation, and of the operation that creates the object.
    """

    path: Path
    arguments: Mapping[str, Any]


class UploadBatch:
    """Uploads files, each exactly once.

    Args:
        client: the client; it should have `priority="batch"`.
        operation: the operation that takes the files.
        planned: the files.
        options: for each upload, as in `AsyncClient.upload`.
        force: upload everything again, even if the same batch has just ended.
        on_progress: called from any thread when `progress` has changed.

    Raises:
        FileProblem: a file cannot be opened.
        FileRejected: a path is a folder or a device.
        InvalidOption: a file was given twice.
    """

    def __init__(
        self,
        client: AsyncClient,
        operation: str,
        planned: Sequence[PlannedFile],
        *,
        options: UploadOptions | None = None,
        force: bool = False,
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._operation = operation
        self._planned = planned
        self._options: Mapping[str, Any] = options or {}
        self._on_progress = on_progress
        self._sizes = _sizes(planned)
        rule = client.provider.rule(operation).upload
        create = None if rule is None else rule.create
        self._has_marker = create is not None and client.provider.rule(create).marker is not None
        self._target = "" if rule is None else rule.target
        config = client.config
        parts = sorted((str(file.path.absolute()), sorted(file.arguments.items())) for file in planned)
        self._journal = UploadJournal(
            config.state,
            config.ledger(),
            config.account,
            (operation, *parts),
            clock=config.clock,
            force=force,
        )
        self._sent = dict[Path, int]()
        self._uploaded_before = 0
        self.results = dict[Path, FileResult]()

    @property
    def progress(self) -> UploadProgress:
        """The current progress."""
        results = dict(self.results)  # a copy: other threads continue while these are added up
        sent = {path: count for path, count in dict(self._sent).items() if path not in results}
        failed = sum(bool(result.error) for result in results.values())
        uploaded = sum(result.size for result in results.values() if not result.error)
        return UploadProgress(
            files=len(results) - failed,
            files_total=len(self._planned),
            failed=failed,
            bytes=uploaded + sum(sent.values()),
            bytes_total=sum(self._sizes.values()),
            in_progress=tuple(FileInProgress(path.name, count, self._sizes[path]) for path, count in sent.items()),
        )

    async def run(self) -> UploadReport:
        """Upload the files that are not uploaded yet. After the report is delivered, call `mark_complete`.

        Raises:
            CallwellError: anything that stops the batch; the same batch continues later where it stopped.
        """
        await self._use(self._journal.open)
        waiting = iter(self._planned)
        await run_workers(min(FILES_AT_ONCE, len(self._planned)), lambda: self._work(waiting))
        results = tuple(self.results[file.path] for file in self._planned)
        verdict: Literal["failed", "complete"] = "failed" if any(result.error for result in results) else "complete"
        return UploadReport(verdict, results)

    @property
    def was_complete(self) -> bool:
        """Whether all files had already been uploaded, so that nothing was sent."""
        return self._uploaded_before == len(self._planned)

    def mark_complete(self) -> None:
        """Record that the report of a complete batch was delivered: it is remembered for an hour."""
        post_to_state(self._client.config.state, self._end_round)

    def _end_round(self) -> None:
        try:
            self._journal.end_round()
        except StateError as error:  # the same batch, run again, finds all files uploaded
            LOGGER.warning("the end of the batch could not be recorded: %s", error)

    async def _use(self, work: Callable[[], T]) -> T:
        """Use the state that stores the journal."""
        return await use_state(self._client.config.state, work)

    async def _work(self, waiting: Iterable[PlannedFile]) -> None:
        for file in waiting:
            self._sent[file.path] = 0
            self.results[file.path] = await self._process(file)
            self._on_progress()

    async def _process(self, file: PlannedFile) -> FileResult:
        try:
            return await self._resume(file)
        except CallwellError as error:
            cause = error.__cause__ if isinstance(error.__cause__, FATAL) else error
            if isinstance(cause, FATAL):
                raise cause from error
            return FileResult(
                file=str(file.path),
                target=getattr(error, "target", None),
                size=self._sizes[file.path],
                error=str(error),
            )

    async def _resume(self, file: PlannedFile) -> FileResult:
        """Upload a file, unless its note shows that it is uploaded."""
        fingerprint = await asyncio.to_thread(lambda: files.DiskFile.at(file.path).fingerprint())
        identity = (fingerprint, sorted(file.arguments.items()))
        note = await self._use(partial(self._journal.begin, identity))
        if note.result is not None:
            self._uploaded_before += 1
            return note.result._replace(file=str(file.path))
        try:
            return await self._upload(file, identity, note.name)
        except NameTaken:  # the object was deleted at the provider
            note = await self._use(partial(self._journal.begin, identity, restart=True))
            return await self._upload(file, identity, note.name)
        except UploadMismatch:  # the object cannot be completed
            await self._use(partial(self._journal.begin, identity, restart=True))
            raise

    async def _upload(self, file: PlannedFile, identity: Iterable[object], name: str) -> FileResult:
        creates_object = self._has_marker and self._target not in file.arguments
        client = self._client.with_options(exactly_once=name) if creates_object else self._client
        options = {"progress": partial(self._count_sent, file.path), **self._options, **file.arguments}
        # The journal records the result before the uploader forgets its position.
        uploader = client.uploader(self._operation, partial(self._finish, file.path, identity))
        return _to_result(file.path, await uploader.run(file.path, options))

    def _finish(self, path: Path, identity: Iterable[object], uploaded: Uploaded[Any]) -> None:
        self._journal.finish(identity, _to_result(path, uploaded))

    def _count_sent(self, path: Path, count: int) -> None:
        self._sent[path] = count
        self._on_progress()


def _to_result(path: Path, uploaded: Uploaded[Any]) -> FileResult:
    return FileResult(
        file=str(path),
        target=uploaded.target,
        size=uploaded.size,
        pieces=uploaded.pieces,
        resent=uploaded.resent,
        warnings=uploaded.warnings,
    )


def _sizes(planned: Iterable[PlannedFile]) -> dict[Path, int]:
    """The size of each file, after checking that every file can be opened and is given only once."""
    sizes = dict[Path, int]()
    seen = dict[Path, Path]()
    for path, _ in planned:
        target = path.resolve()
        if target in seen:
            alias = "" if seen[target] == path else f", as {seen[target]}"
            raise InvalidOption("FILE", str(path), f"each file once, but it was given before{alias}")
        seen[target] = path
        sizes[path] = files.DiskFile.at(path).size
    return sizes
