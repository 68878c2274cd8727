# SPDX-License-Identifier: Apache-2.0
"""The export: walk over every scope, find what is new, fetch it, note what is gone, and seal the tree."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core.paging import End
from callwell.errors import AssetError, CallError, CallwellError, InvalidOption, Missing, NoAnswer, OutOfTime
from callwell.export import items, walks
from callwell.export.items import Item
from callwell.export.journal import Entry, Journal
from callwell.export.progress import Progress
from callwell.export.tree import GONE, Tree, safe
from callwell.export.walks import Walked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from callwell.client import AsyncClient
    from callwell.core.rules import ExportRule

WORKERS: Final = 16
"""Items that are fetched at once: enough to use 120 requests a minute at any latency below eight seconds."""


class Report(NamedTuple):
    """What an export was worth.

    Attributes:
        verdict: `complete`, `drifted` or `truncated`, the worst of all scopes; `failed` if an item could not be had.
        items: records in the tree.
        files: assets in the tree.
        bytes: their bytes.
        fetched: items that this run has fetched.
        gone: items in `gone.jsonl`.
        failed: what could not be fetched, with the reason.
        reasons: why a scope's verdict is not `complete`.
    """

    verdict: str
    items: int
    files: int
    bytes: int
    fetched: int
    gone: int
    failed: dict[str, str]
    reasons: dict[str, str]


class Export:
    """One export of a provider into a folder.

    Args:
        client: which makes the calls; its options should be those of batch work.
        folder: where the tree goes.
        only: keys of the scopes to export; all that the key can see unless given.
        workers: items fetched at once.
        show: called with the progress after every change.

    Raises:
        InvalidOption: the provider's profile does not say what an export is.
    """

    def __init__(
        self,
        client: AsyncClient,
        folder: str | Path,
        *,
        only: Iterable[str] = (),
        workers: int = WORKERS,
        show: Callable[[Progress], None] = lambda _progress: None,
    ) -> None:
        rule = client.provider.profile.export
        if rule is None:
            raise InvalidOption("provider", client.provider.name, "one whose profile has an [export] table")
        self._client = client
        self._rule: ExportRule = rule
        self._only = tuple(only)
        self._workers = workers
        self._show = show
        self._progress = Progress()
        setting = client.setting
        self.tree = Tree(Path(folder), {"provider": client.provider.name, "address": setting.base_url})
        place = f"{self.tree.folder.resolve()} {setting.account}"
        self._journal = Journal(setting.state, hashlib.sha256(place.encode()).hexdigest()[:16])
        self._failed: dict[str, str] = {}
        self._fetched = 0

    async def run(self) -> Report:
        """Do it.

        Raises:
            LocalError: the folder, the disk or the state.
            KeyProblem: the key.
            NoAnswer: the network.
            CallwellError: whatever else makes going on useless; the same export goes on later where this one stopped.
        """
        self.tree.claim()
        scopes = await self._scopes()
        self._advance(scopes_total=len(scopes))
        concluded, finished = dict[str, Walked](), dict[str, dict[str, Entry]]()
        for scope in scopes:
            concluded[scope] = await self._walk(scope)
            self._advance(scopes=self._progress.scopes + 1)
        todo = list[Item]()
        for scope, walked in concluded.items():
            finished[scope], more = self._plan(scope, walked)
            todo += more
        await self._fetch_all(todo, finished)
        for scope, record in self._scopes_before().items():
            if scope not in scopes:
                scopes[scope], finished[scope] = record, self._known(scope)
        return self._seal(scopes, concluded, finished)

    async def _scopes(self) -> dict[str, dict[str, Any]]:
        found = {self._scope_key(scope): scope async for scope in self._client.pages(self._rule.scopes)}
        for name in self._only:
            if name not in found:
                raise InvalidOption("workspace", name, f"one that the key can see ({', '.join(found) or 'none'})")
        return {name: scope for name, scope in sorted(found.items()) if name in (self._only or found)}

    def _scopes_before(self) -> dict[str, dict[str, Any]]:
        return {self._scope_key(scope): scope for scope in self.tree.lines(self._scope_file())}

    async def _walk(self, scope: str) -> Walked:
        stage = self._journal.stage(safe(scope))
        while walks.again(stage.walks):
            pager = self._client.pages(
                self._rule.items, **{self._rule.scope_parameter: scope}, **self._rule.items_arguments
            )
            pager = pager.resume(stage.position) if stage.position else pager
            async for page in pager.pages():
                stage = self._journal.turned(safe(scope), stage._replace(position=pager.position), page)
                self._advance(pages=self._progress.pages + 1, listed=self._progress.listed + len(page))
            verdict = pager.verdict
            keys = frozenset(self._key(found) for found in self._journal.listed(safe(scope), walk=len(stage.walks)))
            walked = Walked(verdict.end, keys, verdict.reason)
            stage = stage._replace(walks=(*stage.walks, walked), position="", pages=0)
            stage = self._journal.staged(safe(scope), stage)
        return walks.conclude(stage.walks)

    def _plan(self, scope: str, walked: Walked) -> tuple[dict[str, Entry], list[Item]]:
        listed = {self._key(found): found for found in self._journal.listed(safe(scope))}
        done = {key: entry for key, entry in self._known(scope).items() if self._whole(scope, entry)}
        new = [Item(scope, key, listed[key]) for key in sorted(walked.keys - set(done))]
        missing = [Item(scope, key, {}) for key in sorted(set(done) - walked.keys) if done[key].gone is None]
        total, items_done = self._progress.items_total + len(done) + len(new), self._progress.items + len(done)
        self._advance(items_total=total, items=items_done)
        return done, [*new, *missing]

    async def _fetch_all(self, todo: list[Item], finished: dict[str, dict[str, Entry]]) -> None:
        waiting = iter(todo)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._workers, len(todo))):
                    group.create_task(self._work(waiting, finished))
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    async def _work(self, waiting: Iterable[Item], finished: dict[str, dict[str, Entry]]) -> None:
        for item in waiting:
            done = finished[item.scope]
            entry = await self._one(item, done.get(item.key))
            if entry is not None:
                done[item.key] = entry
                self._journal.finish(safe(item.scope), safe(item.key), entry)

    async def _one(self, item: Item, old: Entry | None) -> Entry | None:
        try:
            if old is not None:
                await items.look(self._client, self._rule, item)
                return old
            record = await items.fetch(self._client, self._rule, item, tree=self.tree, saved=self._saved)
        except Missing as error:
            self._advance(gone=self._progress.gone + 1, items=self._progress.items + (old is None))
            return Entry(old.record if old else None, items.gone(item, error))
        except (CallError, AssetError) as error:
            if isinstance(error, NoAnswer | OutOfTime):
                raise
            self._failed[f"{item.scope}/{item.key}"] = str(error)
            self._advance(failed=self._progress.failed + 1)
            return None
        self._fetched += 1
        self._advance(items=self._progress.items + 1)
        return Entry(record)

    def _known(self, scope: str) -> dict[str, Entry]:
        known = {self._key(record): Entry(record) for record in self.tree.lines(self._records(scope))}
        for note in self.tree.lines(GONE):
            if note["scope"] == scope:
                known[note["key"]] = known.get(note["key"], Entry())._replace(gone=note)
        for entry in self._journal.finished(safe(scope)).values():
            known[entry.gone["key"] if entry.gone else self._key(entry.record or {})] = entry
        return known

    def _whole(self, scope: str, entry: Entry) -> bool:
        if entry.record is None:
            return True
        files = items.files_of(scope, entry.record)
        present = all(self.tree.has(name, size) for name, (size, _) in files.items())
        return present and (items.settled(entry.record) or entry.gone is not None)

    def _seal(
        self,
        scopes: dict[str, dict[str, Any]],
        concluded: dict[str, Walked],
        finished: dict[str, dict[str, Entry]],
    ) -> Report:
        files, notes, count = dict[str, tuple[int, str]](), list[dict[str, Any]](), 0
        for scope, done in sorted(finished.items()):
            entries = [entry for _, entry in sorted(done.items())]
            records = [entry.record for entry in entries if entry.record is not None]
            notes += [entry.gone for entry in entries if entry.gone is not None]
            count += len(records)
            for record in records:
                files.update(items.files_of(scope, record))
            self.tree.write_lines(self._records(scope), records)
            self.tree.prune(f"{safe(scope)}/{self._kind()}", {safe(self._key(record)) for record in records})
        self.tree.write_lines(self._scope_file(), [scope for _, scope in sorted(scopes.items())])
        self.tree.write_lines(GONE, notes)
        ends = [walked.end for walked in concluded.values()]
        verdict = "failed" if self._failed else str(max(ends, key=_SEVERITY.index, default=End.COMPLETE))
        self.tree.seal(files, {"verdict": verdict, "items": count, "gone": len(notes)})
        self._journal.forget()
        return Report(
            verdict,
            count,
            len(files),
            sum(size for size, _ in files.values()),
            self._fetched,
            len(notes),
            self._failed,
            {scope: walked.reason for scope, walked in concluded.items() if walked.end is not End.COMPLETE},
        )

    def _records(self, scope: str) -> str:
        return f"{safe(scope)}/{self._kind()}.jsonl"

    def _kind(self) -> str:
        return self._rule.items.partition(".")[0]

    def _scope_file(self) -> str:
        return f"{self._rule.scopes.partition('.')[0]}.jsonl"

    def _scope_key(self, scope: dict[str, Any]) -> str:
        rule = self._client.provider.rule(self._rule.scopes).paging
        return str(scope[rule.key if rule and rule.key else "id"])

    def _key(self, found: dict[str, Any]) -> str:
        rule = self._client.provider.rule(self._rule.items).paging
        return str(found[rule.key if rule and rule.key else "id"])

    def _saved(self, size: int) -> None:
        self._advance(assets=self._progress.assets + (size > 0), bytes=self._progress.bytes + size)

    def _advance(self, **changes: int) -> None:
        self._progress = self._progress._replace(**changes)
        self._show(self._progress)


_SEVERITY: Final = (End.COMPLETE, End.DRIFTED, End.TRUNCATED)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return _first(error)
        if isinstance(error, CallwellError):
            return error
    return errors.exceptions[0]
