# SPDX-License-Identifier: Apache-2.0
"""Exports a provider into a folder.

::

    1. list the scopes (workspaces), and walk the list of each      → the journal, page by page
    2. compare the lists with the records of the last run           → items to fetch or to check
    3. fetch their records and files                                → the journal, item by item
    4. write records, gone items and the manifest                   → the folder; the journal is deleted

A killed run continues from the journal. A later run finds the records in the folder and fetches only new and changed
items.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from callwell.client.concurrency.event_loop import run_workers
from callwell.client.concurrency.primitives import use_state
from callwell.core.signed_fields import replace_fields
from callwell.core.verdict import End
from callwell.errors import AssetError, CallError, InvalidOption, Missing, NoAnswer, OutOfTime, UsageError
from callwell.export import items, walks
from callwell.export.file_names import distinct_names, safe_name, scope_prefix
from callwell.export.items import ExportItem
from callwell.export.journal import ExportJournal, JournalEntry, ScopeWalks
from callwell.export.output_folder import GONE, OutputFolder
from callwell.export.report import ExportProgress, ExportReport
from callwell.export.walks import WalkResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from callwell.client import AsyncClient
    from callwell.core.rules.export import ExportRule

T = TypeVar("T")

WORKERS: Final = 16
"""Items fetched concurrently: enough to use 120 requests a minute at any latency below eight seconds."""

PAGES_AHEAD: Final = 8
"""Pages requested ahead, if the provider announces totals; without totals, a changing list would go unnoticed."""

SEVERITY: Final = (End.COMPLETE, End.DRIFTED, End.TRUNCATED)
"""The verdicts of walks, from the best to the worst."""


class Export:
    """One export of a provider into a folder.

    Args:
        client: the client; it should have `priority="batch"`.
        folder: the output folder.
        only: keys of the scopes to export; by default all scopes that the key can see.
        workers: items fetched concurrently.
        on_progress: called with the progress after every change.

    Raises:
        UsageError: the provider's profile does not describe an export.
    """

    def __init__(
        self,
        client: AsyncClient,
        folder: str | Path,
        *,
        only: Iterable[str] = (),
        workers: int = WORKERS,
        on_progress: Callable[[ExportProgress], None] = lambda _progress: None,
    ) -> None:
        rule = client.provider.profile.export
        if rule is None:
            raise UsageError(f"{client.provider.name} cannot be exported: its profile has no [export] table")
        self._client = client
        self._rule: ExportRule = rule
        rule_of = client.provider.rule
        self._paging = rule_of(rule.items).paging
        self._signed = {**rule_of(rule.items).signed, **rule_of(rule.detail).signed}
        self._only = tuple(only)
        self._workers = workers
        self._on_progress = on_progress
        self._progress = ExportProgress()
        config = client.config
        owner = {"provider": client.provider.name, "address": config.base_url, "account": config.account}
        self.output = OutputFolder(Path(folder), owner)
        target = f"{self.output.folder.resolve()} {config.account}"
        self._journal = ExportJournal(config.state, hashlib.sha256(target.encode()).hexdigest()[:16])
        self._failed: dict[str, str] = {}
        self._fetched = 0

    async def run(self) -> ExportReport:
        """Run the export.

        Raises:
            LocalError: a problem with the folder, the disk or the state.
            KeyProblem: a problem with the key.
            NoAnswer: a problem with the network.
            CallwellError: anything else that stops the export; the same export continues later where it stopped.
        """
        try:
            await self._use(partial(self.output.claim, is_ours=self._journal.exists))
            return await self._export()
        finally:
            self.output.release()

    async def _export(self) -> ExportReport:
        scopes, scope_walk = await self._list_scopes()
        walked = {self._rule.scopes or "": scope_walk}
        self._advance(scopes_total=len(scopes))
        folders = dict[str, str]()
        for scope in tuple(scopes):
            problem = self._scope_problem(scope, folders)
            try:
                if problem is None:
                    walked[scope] = await self._walk(scope)
            except InvalidOption as error:
                problem = str(error)
            if problem is not None:
                del scopes[scope]
                self._fail(scope, "", problem)
            self._advance(scopes=self._progress.scopes + 1)
        finished = dict[str, dict[str, JournalEntry]]()
        todo = list[ExportItem]()
        for scope in scopes:
            finished[scope], unfinished = await self._plan(scope, walked[scope])
            todo += unfinished
        await self._fetch_all(todo, finished)
        for scope, record in self._scopes_before().items():
            if scope not in scopes:  # a scope that is gone, or was not selected, keeps its files
                scopes[scope] = record
                finished[scope] = await self._use(partial(self._known, scope))
        report = self._write_results(scopes, walked, finished)
        for scope in walked:
            await self._use(partial(self._journal.delete, safe_name(scope)))
        return report

    def _scope_problem(self, scope: str, folders: dict[str, str]) -> str | None:
        """Why a scope cannot be exported; None if it can.

        Args:
            scope: the key of the scope.
            folders: the scopes so far, by the name of their folder in lower case; this one is added.
        """
        problem = None if self._rule.scopes is None else items.key_problem(scope)
        other = folders.setdefault(safe_name(scope).casefold(), scope)
        if other != scope and self.output.ignores_case():
            return f"its name differs from that of {other} only by case, and this disk does not distinguish them"
        return problem

    async def _list_scopes(self) -> tuple[dict[str, dict[str, Any]], WalkResult]:
        """The selected scopes by key, and the result of the walk over their list."""
        if self._rule.scopes is None:
            for name in self._only:
                raise InvalidOption("workspace", name, f"nothing: {self._client.provider.name} has no workspaces")
            return {"": {}}, WalkResult(End.COMPLETE, frozenset())
        found = dict[str, dict[str, Any]]()
        for _ in range(walks.MAX_WALKS):
            pager = self._client.pages(self._rule.scopes)
            found |= {self._scope_key(scope): scope async for scope in pager}
            if pager.verdict.end is End.COMPLETE:
                break
        for name in self._only:
            if name not in found:
                raise InvalidOption("workspace", name, f"one that the key can see ({', '.join(found) or 'none'})")
        selected = {name: scope for name, scope in sorted(found.items()) if name in (self._only or found)}
        return selected, WalkResult(pager.verdict.end, frozenset(found), pager.verdict.reason)

    def _scopes_before(self) -> dict[str, dict[str, Any]]:
        """The scopes of the last run."""
        if self._rule.scopes is None:
            return {}
        return {self._scope_key(scope): scope for scope in self.output.read_lines(_scope_file(self._rule.scopes))}

    async def _walk(self, scope: str) -> WalkResult:
        """Walk a scope's list until it can be trusted, starting where an earlier run stopped."""
        progress = await self._use(partial(self._journal.read_walks, safe_name(scope)))
        done = [
            WalkResult(end, frozenset(await self._listed(scope, number)), reason)
            for number, (end, reason) in enumerate(progress.ends)
        ]
        while walks.needs_another_walk(done):
            arguments = {**items.scope_arguments(self._rule, scope), **self._rule.items_arguments}
            pager = self._client.pages(self._rule.items, **arguments)
            pager = pager.ahead(PAGES_AHEAD if self._paging is not None and self._paging.total else 1)
            if progress.position:
                before = await self._listed(scope, len(done), progress.pages)
                pager = pager.resume(progress.position, delivered=before)
            async for page in pager.pages():
                kept = [replace_fields(entry, dict.fromkeys(self._signed)) for entry in page]
                progress = progress._replace(position=pager.bookmark)
                progress = await self._use(partial(self._journal.record_page, safe_name(scope), progress, kept))
                self._advance(pages=self._progress.pages + 1, listed=self._progress.listed + len(page))
            verdict = pager.verdict
            done.append(WalkResult(verdict.end, frozenset(await self._listed(scope, len(done))), verdict.reason))
            progress = ScopeWalks(ends=(*progress.ends, (verdict.end, verdict.reason)))
            await self._use(partial(self._journal.record_walks, safe_name(scope), progress))
        return walks.combine_walks(done)

    async def _listed(self, scope: str, walk: int | None = None, pages: int | None = None) -> dict[str, dict[str, Any]]:
        """The entries that the walks over a scope's list have found, by key: see `ExportJournal.listed_items`."""
        read = self._journal.listed_items
        return await self._use(lambda: {self._key(entry): entry for entry in read(safe_name(scope), walk, pages)})

    async def _use(self, work: Callable[[], T]) -> T:
        """Use the state that stores the journal."""
        return await use_state(self._client.config.state, work)

    async def _plan(self, scope: str, walked: WalkResult) -> tuple[dict[str, JournalEntry], list[ExportItem]]:
        """The known items of a scope, and the known or listed items that need work."""
        known = await self._use(partial(self._known, scope))
        todo = list[ExportItem]()
        done = 0
        listed = await self._listed(scope)
        keys = walked.keys | known.keys()
        names = distinct_names(keys)
        wall_s = self._client.config.clock.wall()
        for key in sorted(keys):
            problem = items.key_problem(key)
            if problem is not None:
                self._fail(scope, key, problem)
                continue
            entry = known.get(key, JournalEntry())
            record = msgspec.json.decode(entry.record) if entry.record else None
            in_list = listed[key] if key in walked.keys else {}
            item = ExportItem(
                scope=scope,
                key=key,
                listed=in_list,
                known=record,
                gone=entry.gone is not None,
                withdrawn=items.is_withdrawn(in_list, record, self._rule.expires, wall_s),
                changed=items.is_changed(in_list, record, self._rule.changed),
                name=names.get(key, safe_name(key)),
            )
            if item.needs_work:
                todo.append(item)
            else:
                done += 1
        self._advance(items_total=self._progress.items_total + len(keys), items=self._progress.items + done)
        return known, todo

    async def _fetch_all(self, todo: list[ExportItem], finished: dict[str, dict[str, JournalEntry]]) -> None:
        waiting = iter(todo)
        await run_workers(min(self._workers, len(todo)), lambda: self._work(waiting, finished))

    async def _work(self, waiting: Iterable[ExportItem], finished: dict[str, dict[str, JournalEntry]]) -> None:
        for item in waiting:
            entry = await self._process(item)
            if entry is not None:
                finished[item.scope][item.key] = entry
                key = safe_name(item.key)
                await self._use(partial(self._journal.record_item, safe_name(item.scope), key, entry))

    async def _process(self, item: ExportItem) -> JournalEntry | None:
        """Fetch an item, or check that it still exists; None if that failed."""
        record = item.known
        note = None
        try:
            if item.is_complete:
                await items.fetch_record(self._client, self._rule, item)
            else:
                fetched = await items.fetch_item(
                    self._client, self._rule, item, output=self.output, on_saved=self._count_file
                )
                record = items.replace_signed_urls(fetched, self._signed)
                self._fetched += record != item.known
        except Missing as error:
            note = items.gone_note(item, error)
            self._advance(gone=self._progress.gone + (not item.gone))
        except (CallError, AssetError, InvalidOption) as error:
            if isinstance(error, NoAnswer | OutOfTime):  # all other items would fail as well
                raise
            self._fail(item.scope, item.key, str(error))
            return None
        self._advance(items=self._progress.items + 1)
        return JournalEntry(msgspec.json.encode(record) if record else None, note)

    def _fail(self, scope: str, key: str, reason: str) -> None:
        name = "/".join(filter(None, (scope, key))) or "(no key)"
        self._failed[name] = reason
        self._advance(failed=self._progress.failed + 1)

    def _known(self, scope: str) -> dict[str, JournalEntry]:
        """The items of a scope from earlier runs: those in the folder, updated from the journal."""
        records = self.output.read_lines(self._record_file(scope))
        known = {self._key(record): self._entry(scope, record) for record in records}
        for note in self.output.read_lines(GONE):
            if note["scope"] == scope:
                known[note["key"]] = known.get(note["key"], JournalEntry())._replace(gone=note)
        for entry in self._journal.finished_items(safe_name(scope)):
            record = msgspec.json.decode(entry.record) if entry.record else None
            key = entry.gone["key"] if entry.gone else self._key(record or {})
            known[key] = self._entry(scope, record, entry.gone)
        return known

    def _entry(self, scope: str, record: dict[str, Any] | None, gone: dict[str, Any] | None = None) -> JournalEntry:
        if record is not None:
            record = items.drop_missing_files(self.output, scope, record, self._signed)
        return JournalEntry(msgspec.json.encode(record) if record else None, gone)

    def _write_results(
        self,
        scopes: dict[str, dict[str, Any]],
        walked: dict[str, WalkResult],
        finished: dict[str, dict[str, JournalEntry]],
    ) -> ExportReport:
        files = dict[str, tuple[int, str]]()
        notes = list[dict[str, Any]]()
        count = 0
        for scope, known in sorted(finished.items()):
            entries = [entry for _, entry in sorted(known.items())]
            records = [entry.record for entry in entries if entry.record is not None]
            notes += [entry.gone for entry in entries if entry.gone is not None]
            count += len(records)
            files |= self._write_records(scope, records)
        if self._rule.scopes is not None:
            lines = (msgspec.json.encode(scope) for _, scope in sorted(scopes.items()))
            self.output.write_lines(_scope_file(self._rule.scopes), lines)
        self.output.write_lines(GONE, map(msgspec.json.encode, notes))
        worst = max((result.end for result in walked.values()), key=SEVERITY.index, default=End.COMPLETE)
        verdict = "failed" if self._failed else str(worst)
        self.output.write_manifest(files, {"verdict": verdict, "items": count, "gone": len(notes)})
        incomplete = {scope: result for scope, result in walked.items() if result.end is not End.COMPLETE}
        return ExportReport(
            verdict=verdict,
            items=count,
            files=len(files),
            bytes=sum(size for size, _ in files.values()),
            fetched=self._fetched,
            gone=len(notes),
            failed=self._failed,
            reasons={scope or self._rule.items: result.reason for scope, result in incomplete.items()},
        )

    def _write_records(self, scope: str, records: list[bytes]) -> dict[str, tuple[int, str]]:
        """Write the records of a scope, and remove folders without a record; returns the size and SHA-256 of files."""
        files = dict[str, tuple[int, str]]()
        folders = set[str]()
        for line in records:
            record = msgspec.json.decode(line)
            files.update(items.asset_files(scope, record))
            folders.add(safe_name(self._key(record)))
            folders.update(items.asset_folders(record))
        self.output.write_lines(self._record_file(scope), records)
        self.output.prune(scope_prefix(scope) + self._kind(), folders)
        return files

    def _record_file(self, scope: str) -> str:
        return f"{scope_prefix(scope)}{self._kind()}.jsonl"

    def _kind(self) -> str:
        """`recordings` of `recordings.list`: the name of the record file and of the folder of assets."""
        return self._rule.items.partition(".")[0]

    def _scope_key(self, scope: dict[str, Any]) -> str:
        paging = self._client.provider.rule(self._rule.scopes or "").paging
        return items.key_of(scope, paging.key if paging and paging.key else "id")

    def _key(self, entry: dict[str, Any]) -> str:
        return items.key_of(entry, self._paging.key if self._paging and self._paging.key else "id")

    def _count_file(self, size: int) -> None:
        self._advance(assets=self._progress.assets + 1, bytes=self._progress.bytes + size)

    def _advance(self, **changes: int) -> None:
        self._progress = self._progress._replace(**changes)
        self._on_progress(self._progress)


def _scope_file(scopes: str) -> str:
    return f"{scopes.partition('.')[0]}.jsonl"
