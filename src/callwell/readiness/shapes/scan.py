# SPDX-License-Identifier: Apache-2.0
"""The search for keys by their shape in one project: files and history, each once, in the background.

Each run of kingfisher begins with half a second on one core, so both go on at once, beside the search for the keys in
use.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from callwell.description import catalog
from callwell.readiness.findings import NotApplicable
from callwell.readiness.shapes.in_files import look_at_files
from callwell.readiness.shapes.in_history import look_at_history
from callwell.readiness.shapes.kingfisher import Kingfisher
from callwell.readiness.shapes.rules import make_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from callwell.description.provider import Provider
    from callwell.readiness.files import ProjectFile
    from callwell.readiness.shapes.located import ScanResult


class ShapeScan:
    """The search in one project.

    Args:
        root: the project's folder.
        files: its files.
        providers: those that it uses; the bundled ones count in any case.
        staged: only staged changes are looked at, so there is no history.
        since: of the history only the commits after this revision.
        with_its_own: look by kingfisher's own rules as well.
    """

    def __init__(
        self,
        root: Path,
        files: Iterable[ProjectFile],
        providers: Iterable[Provider] = (),
        *,
        staged: bool = False,
        since: str | None = None,
        with_its_own: bool = True,
    ) -> None:
        self._root = root
        self._project_files = files
        self._providers = tuple(providers)
        self._staged = staged
        self._since = since
        self._with_its_own = with_its_own
        self._worker: ThreadPoolExecutor | None = None
        self._kingfisher: Kingfisher | None = None
        self._files: Future[ScanResult] | None = None
        self._history: Future[ScanResult] | None = None

    def start_files(self) -> Future[ScanResult]:
        """Begin to look at the files.

        Raises:
            CouldNotLook: kingfisher is not installed.
        """
        if self._files is None:
            files = tuple(self._project_files)
            self._files = self._start(lambda kingfisher: look_at_files(kingfisher, files))
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
            self._history = self._start(lambda kingfisher: look_at_history(kingfisher, self._root, self._since))
        return self._history

    def close(self) -> None:
        """Stop what has not ended."""
        if self._kingfisher is not None:
            self._kingfisher.close()
        if self._worker is not None:
            self._worker.shutdown(cancel_futures=True)

    def _start(self, look: Callable[[Kingfisher], ScanResult]) -> Future[ScanResult]:
        if self._kingfisher is None:
            rules = make_rules([*map(catalog.load, catalog.bundled_names()), *self._providers])
            self._kingfisher = Kingfisher(rules, with_its_own=self._with_its_own)
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=2, thread_name_prefix="callwell-shapes")
        return self._worker.submit(look, self._kingfisher)
