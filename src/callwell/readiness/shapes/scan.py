# SPDX-License-Identifier: Apache-2.0
"""Scans one project for strings shaped like keys: files and history, each once, in the background.

Kingfisher takes half a second of one core to start, so one run scans both if both are requested and complete.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from callwell.description import catalog
from callwell.readiness.findings import NotApplicable
from callwell.readiness.shapes.kingfisher import Kingfisher
from callwell.readiness.shapes.rules import make_rules
from callwell.readiness.shapes.scan_both import scan_both
from callwell.readiness.shapes.scan_files import scan_files
from callwell.readiness.shapes.scan_history import scan_history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from callwell.description.provider import Provider
    from callwell.readiness.files import ProjectFile
    from callwell.readiness.history.walk import Histories
    from callwell.readiness.shapes.located import ScanResult

T = TypeVar("T")

FILES: Final = "files"
HISTORY: Final = "history"


class _Results(NamedTuple):
    """The results of a run that scans both."""

    files: Future[ScanResult]
    history: Future[ScanResult]


class ShapeScan:
    """The scan of one project.

    Args:
        find_histories: finds its histories.
        files: its files.
        providers: the providers that it uses; bundled ones are always added.
        staged: whether only staged changes are scanned, and no history.
        since: scans the history only after this revision.
        with_builtin_rules: whether to use kingfisher's own rules as well.
    """

    def __init__(
        self,
        find_histories: Callable[[], Histories],
        files: Iterable[ProjectFile],
        providers: Iterable[Provider] = (),
        *,
        staged: bool = False,
        since: str | None = None,
        with_builtin_rules: bool = True,
    ) -> None:
        self._find_histories = find_histories
        self._project_files = files
        self._providers = tuple(providers)
        self._staged = staged
        self._since = since
        self._with_builtin_rules = with_builtin_rules
        self._worker: ThreadPoolExecutor | None = None
        self._kingfisher: Kingfisher | None = None
        self._requested: set[str] = set()
        self._files: Future[ScanResult] | None = None
        self._history: Future[ScanResult] | None = None

    def request_files(self) -> None:
        """Announce that the files will be needed, so that `start` scans them together with the history."""
        self._requested.add(FILES)

    def request_history(self) -> None:
        """Announce that the history will be needed."""
        self._requested.add(HISTORY)

    def start(self) -> None:
        """Start all requested scans.

        Raises:
            CannotCheck: kingfisher is not installed.
        """
        is_complete = not self._staged and self._since is None
        if {FILES, HISTORY} <= self._requested and is_complete and self._files is None and self._history is None:
            files = tuple(self._project_files)
            if files:
                done = _Results(Future(), Future())
                self._submit(lambda kingfisher: self._scan_both(kingfisher, files, done))
                self._files, self._history = done
                return
        if FILES in self._requested:
            self.start_files()
        if HISTORY in self._requested and not self._staged:
            self.start_history()

    def start_files(self) -> Future[ScanResult]:
        """Start the scan of the files.

        Raises:
            CannotCheck: kingfisher is not installed.
        """
        if self._files is None:
            files = tuple(self._project_files)
            self._files = self._submit(lambda kingfisher: scan_files(kingfisher, files))
        return self._files

    def start_history(self) -> Future[ScanResult]:
        """Start the scan of the history.

        Raises:
            CannotCheck: kingfisher is not installed.
            NotApplicable: only staged changes are scanned.
        """
        if self._staged:
            raise NotApplicable("only the staged changes were asked for")
        if self._history is None:
            self._history = self._submit(lambda kingfisher: scan_history(kingfisher, self._find_histories()))
        return self._history

    def close(self) -> None:
        """Stop the scans that still run."""
        if self._kingfisher is not None:
            self._kingfisher.close()
        if self._worker is not None:
            self._worker.shutdown(cancel_futures=True)

    def _scan_both(self, kingfisher: Kingfisher, files: tuple[ProjectFile, ...], results: _Results) -> None:
        """Run both scans at once. An error in the history does not stop the scan of the files."""
        try:
            both = scan_both(kingfisher, self._find_histories(), files, self._rules)
        except Exception as stopped:  # noqa: BLE001 - raised again by `result`
            results.history.set_exception(stopped)
            _complete(results.files, lambda: scan_files(kingfisher, files))
            return
        results.history.set_result(both.history)
        results.files.set_result(both.files)

    def _submit(self, scan: Callable[[Kingfisher], T]) -> Future[T]:
        if self._kingfisher is None:
            self._kingfisher = Kingfisher(self._rules, with_builtin_rules=self._with_builtin_rules)
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=2, thread_name_prefix="callwell-shapes")
        return self._worker.submit(scan, self._kingfisher)

    @cached_property
    def _rules(self) -> list[dict[str, Any]]:
        return make_rules([*map(catalog.load, catalog.bundled_names()), *self._providers])


def _complete(future: Future[ScanResult], scan: Callable[[], ScanResult]) -> None:
    try:
        future.set_result(scan())
    except Exception as stopped:  # noqa: BLE001 - raised again by `result`
        future.set_exception(stopped)
