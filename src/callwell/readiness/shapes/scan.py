# SPDX-License-Identifier: Apache-2.0
"""The search for keys by their shape in one project: files and history, each once, in the background.

Each run of kingfisher begins with half a second on one core, so one run looks at both if both are asked for whole.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from callwell.description import catalog
from callwell.readiness.findings import NotApplicable
from callwell.readiness.shapes.in_both import look_at_both
from callwell.readiness.shapes.in_files import look_at_files
from callwell.readiness.shapes.in_history import look_at_history
from callwell.readiness.shapes.kingfisher import Kingfisher
from callwell.readiness.shapes.rules import make_rules

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
    """What one run for both gives."""

    files: Future[ScanResult]
    history: Future[ScanResult]


class ShapeScan:
    """The search in one project.

    Args:
        find_histories: finds its histories.
        files: its files.
        providers: those that it uses; the bundled ones count in any case.
        staged: only staged changes are looked at, so there is no history.
        since: of the history only the commits after this revision.
        with_its_own: look by kingfisher's own rules as well.
    """

    def __init__(
        self,
        find_histories: Callable[[], Histories],
        files: Iterable[ProjectFile],
        providers: Iterable[Provider] = (),
        *,
        staged: bool = False,
        since: str | None = None,
        with_its_own: bool = True,
    ) -> None:
        self._find_histories = find_histories
        self._project_files = files
        self._providers = tuple(providers)
        self._staged = staged
        self._since = since
        self._with_its_own = with_its_own
        self._worker: ThreadPoolExecutor | None = None
        self._kingfisher: Kingfisher | None = None
        self._wanted: set[str] = set()
        self._files: Future[ScanResult] | None = None
        self._history: Future[ScanResult] | None = None

    def want_files(self) -> None:
        """Say that the files will be asked for, so that `start` looks at them with the history."""
        self._wanted.add(FILES)

    def want_history(self) -> None:
        """Say that the history will be asked for."""
        self._wanted.add(HISTORY)

    def start(self) -> None:
        """Begin to look at all that is wanted.

        Raises:
            CouldNotLook: kingfisher is not installed.
        """
        whole = not self._staged and self._since is None
        if {FILES, HISTORY} <= self._wanted and whole and self._files is None and self._history is None:
            files = tuple(self._project_files)
            if files:
                done = _Results(Future(), Future())
                self._submit(lambda kingfisher: self._look_at_both(kingfisher, files, done))
                self._files, self._history = done
                return
        if FILES in self._wanted:
            self.start_files()
        if HISTORY in self._wanted and not self._staged:
            self.start_history()

    def start_files(self) -> Future[ScanResult]:
        """Begin to look at the files.

        Raises:
            CouldNotLook: kingfisher is not installed.
        """
        if self._files is None:
            files = tuple(self._project_files)
            self._files = self._submit(lambda kingfisher: look_at_files(kingfisher, files))
        return self._files

    def start_history(self) -> Future[ScanResult]:
        """Begin to look at the history.

        Raises:
            CouldNotLook: kingfisher is not installed.
            NotApplicable: only what is staged was asked for.
        """
        if self._staged:
            raise NotApplicable("only the staged changes were asked for")
        if self._history is None:
            self._history = self._submit(lambda kingfisher: look_at_history(kingfisher, self._find_histories()))
        return self._history

    def close(self) -> None:
        """Stop what has not ended."""
        if self._kingfisher is not None:
            self._kingfisher.close()
        if self._worker is not None:
            self._worker.shutdown(cancel_futures=True)

    def _look_at_both(self, kingfisher: Kingfisher, files: tuple[ProjectFile, ...], results: _Results) -> None:
        """Give both searches what one run has found. What stops it in the history does not stop it in the files."""
        try:
            both = look_at_both(kingfisher, self._find_histories(), files, self._rules)
        except Exception as stopped:  # noqa: BLE001 - raised again by `result`
            results.history.set_exception(stopped)
            _complete(results.files, lambda: look_at_files(kingfisher, files))
            return
        results.history.set_result(both.history)
        results.files.set_result(both.files)

    def _submit(self, look: Callable[[Kingfisher], T]) -> Future[T]:
        if self._kingfisher is None:
            self._kingfisher = Kingfisher(self._rules, with_its_own=self._with_its_own)
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=2, thread_name_prefix="callwell-shapes")
        return self._worker.submit(look, self._kingfisher)

    @cached_property
    def _rules(self) -> list[dict[str, Any]]:
        return make_rules([*map(catalog.load, catalog.bundled_names()), *self._providers])


def _complete(future: Future[ScanResult], look: Callable[[], ScanResult]) -> None:
    try:
        future.set_result(look())
    except Exception as stopped:  # noqa: BLE001 - raised again by `result`
        future.set_exception(stopped)
