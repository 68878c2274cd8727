# SPDX-License-Identifier: Apache-2.0
"""A batch of uploads: several files at once, each with its end, whatever becomes of the others."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.batch.journal import UploadJournal
from callwell.batch.report import FileInProgress, FileResult, UploadProgress, UploadReport
from callwell.client.concurrency.event_loop import run_workers
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from callwell.client import AsyncClient
    from callwell.client.uploads.options import Uploaded, UploadOptions

AT_ONCE: Final = 4
"""Files that are sent at once, each in several pieces: small ones are made, sent and looked at in one call each."""

HOPELESS: Final = (KeyProblem, NoAnswer, StateError, DiskFull, UsageError)
"""What would happen to every other file as well."""


class PlannedFile(NamedTuple):
    """A file to be sent.

    Attributes:
        path: where it is.
        arguments: of the operation and of the one that makes the object.
    """

    path: Path
    arguments: Mapping[str, Any]


class UploadBatch:
    """Sends files.

    Args:
        client: which makes the calls; its options should be those of batch work.
        operation: that takes the files.
        planned: the files.
        how: each is sent, as `AsyncClient.upload` takes it.
        anew: send everything again, if the same batch has ended before.
        show: called when something has changed, by any thread.

    Raises:
        FileProblem: a file that cannot be opened.
        FileUnfit: a directory or the like.
        InvalidOption: a file that was given twice.
    """

    def __init__(
        self,
        client: AsyncClient,
        operation: str,
        planned: Sequence[PlannedFile],
        *,
        how: UploadOptions | None = None,
        anew: bool = False,
        show: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._operation = operation
        self._planned = planned
        self._how: Mapping[str, Any] = how or {}
        self._show = show
        self._sizes = _sizes(planned)
        rule = client.provider.rule(operation).upload
        create = None if rule is None else rule.create
        self._marked = create is not None and client.provider.rule(create).marker is not None
        self._target = "" if rule is None else rule.target
        setting = client.config
        parts = (operation, *sorted((str(one.path.absolute()), sorted(one.arguments.items())) for one in planned))
        self._journal = UploadJournal(
            setting.state, setting.ledger(), setting.account, parts, clock=setting.clock, anew=anew
        )
        self._sent = dict[Path, int]()
        self._found = 0
        self.ended = dict[Path, FileResult]()

    @property
    def progress(self) -> UploadProgress:
        """How far it is."""
        ended = dict(self.ended)
        failed = sum(bool(one.error) for one in ended.values())
        sent = {path: count for path, count in dict(self._sent).items() if path not in ended}
        return UploadProgress(
            len(ended) - failed,
            len(self._planned),
            failed,
            sum(one.size for one in ended.values() if not one.error) + sum(sent.values()),
            sum(self._sizes.values()),
            tuple(FileInProgress(path.name, count, self._sizes[path]) for path, count in sent.items()),
        )

    async def run(self) -> UploadReport:
        """Send what is not there yet. When its report was given, call `end`.

        Raises:
            CallwellError: whatever makes going on useless; the same batch goes on later where this one stopped.
        """
        waiting = iter(self._planned)
        await run_workers(min(AT_ONCE, len(self._planned)), lambda: self._work(waiting))
        ended = tuple(self.ended[one.path] for one in self._planned)
        return UploadReport("failed" if any(one.error for one in ended) else "complete", ended)

    @property
    def known(self) -> bool:
        """Whether all files were there before, so that nothing was sent."""
        return self._found == len(self._planned)

    def end(self) -> None:
        """The report of a complete batch was given: it is known for an hour, and then forgotten."""
        self._journal.end()

    async def _work(self, waiting: Iterable[PlannedFile]) -> None:
        for planned in waiting:
            self._sent[planned.path] = 0
            self.ended[planned.path] = await self._one(planned)
            self._show()

    async def _one(self, planned: PlannedFile) -> FileResult:
        try:
            return await self._uploaded(planned)
        except CallwellError as error:
            cause = error.__cause__ if isinstance(error.__cause__, HOPELESS) else error
            if isinstance(cause, HOPELESS):
                raise cause from error
            failed = FileResult(str(planned.path), getattr(error, "target", None), self._sizes[planned.path])
            return failed._replace(error=str(error))

    async def _uploaded(self, planned: PlannedFile) -> FileResult:
        mark = await asyncio.to_thread(lambda: files.DiskFile.at(planned.path).fingerprint())
        file = (mark, sorted(planned.arguments.items()))
        note = self._journal.begin(file)
        if note.sent is not None:
            self._found += 1
            return note.sent._replace(file=str(planned.path))
        try:
            return await self._upload(planned, file, note.name)
        except NameTaken:  # somebody has deleted what was made
            return await self._upload(planned, file, self._journal.begin(file, anew=True).name)
        except UploadMismatch:  # what was made cannot be mended
            self._journal.begin(file, anew=True)
            raise

    async def _upload(self, planned: PlannedFile, file: Iterable[object], name: str) -> FileResult:
        marked = self._marked and self._target not in planned.arguments
        client = self._client.with_options(exactly_once=name) if marked else self._client
        progress = partial(self._moved, planned.path)
        given = {"progress": progress, **self._how, **planned.arguments}
        note = partial(self._finish, planned.path, file)
        return _sent(planned.path, await client.uploader(self._operation, note).run(planned.path, given))

    def _finish(self, path: Path, file: Iterable[object], done: Uploaded[Any]) -> None:
        self._journal.finish(file, _sent(path, done))

    def _moved(self, path: Path, count: int) -> None:
        self._sent[path] = count
        self._show()


def _sent(path: Path, done: Uploaded[Any]) -> FileResult:
    return FileResult(
        file=str(path),
        target=done.target,
        size=done.size,
        pieces=done.pieces,
        resent=done.resent,
        warnings=done.warnings,
    )


def _sizes(planned: Iterable[PlannedFile]) -> dict[Path, int]:
    """The sizes of files that can be opened, each given once."""
    sizes = dict[Path, int]()
    known = dict[Path, Path]()
    for path, _ in planned:
        place = path.resolve()
        if place in known:
            also = "" if known[place] == path else f", as {known[place]}"
            raise InvalidOption("FILE", str(path), f"each file once: it was given before{also}")
        known[place] = path
        sizes[path] = files.DiskFile.at(path).size
    return sizes
