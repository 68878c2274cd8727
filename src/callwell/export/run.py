# SPDX-License-Identifier: Apache-2.0
"""The export: walk over every scope, find what is new, fetch it, note what is gone, and seal the tree."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.client.concurrency.event_loop import run_workers
from callwell.core.signed_fields import replace_fields
from callwell.core.verdict import End
from callwell.errors import AssetError, CallError, InvalidOption, Missing, NoAnswer, OutOfTime, UsageError
from callwell.export import items, walks
from callwell.export.items import ExportItem
from callwell.export.journal import ExportJournal, JournalEntry, ScopeWalks
from callwell.export.output_folder import GONE, OutputFolder, below, distinct, safe
from callwell.export.report import ExportProgress, ExportReport
from callwell.export.walks import WalkResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from callwell.client import AsyncClient
    from callwell.core.rules.export import ExportRule

WORKERS: Final = 16
"""Items that are fetched at once: enough to use 120 requests a minute at any latency below eight seconds."""

AHEAD: Final = 8
"""Pages that a walk has under way where the provider announces totals, by which a list that moves is told."""


class Export:
    """One export of a provider into a folder.

    Args:
        client: which makes the calls; its options should be those of batch work.
        folder: where the tree goes.
        only: keys of the scopes to export; all that the key can see unless given.
        workers: items fetched at once.
        show: called with the progress after every change.

    Raises:
        UsageError: the provider's profile does not say what an export is.
    """

    def __init__(
        self,
        client: AsyncClient,
        folder: str | Path,
        *,
        only: Iterable[str] = (),
        workers: int = WORKERS,
        show: Callable[[ExportProgress], None] = lambda _progress: None,
    ) -> None:
        rule = client.provider.profile.export
        if rule is None:
            raise UsageError(
                f"{client.provider.name} cannot be exported: its profile has no [export] table that says what to fetch"
            )
        self._client = client
        self._rule: ExportRule = rule
        described = client.provider.rule
        self._paging = described(rule.items).paging
        self._signed = {**described(rule.items).signed, **described(rule.detail).signed}
        self._only = tuple(only)
        self._workers = workers
        self._show = show
        self._progress = ExportProgress()
        setting = client.config
        owner = {"provider": client.provider.name, "address": setting.base_url, "account": setting.account}
        self.tree = OutputFolder(Path(folder), owner)
        place = f"{self.tree.folder.resolve()} {setting.account}"
        self._journal = ExportJournal(setting.state, hashlib.sha256(place.encode()).hexdigest()[:16])
        self._failed: dict[str, str] = {}
        self._fetched = 0

    async def run(self) -> ExportReport:
        """Do it.

        Raises:
            LocalError: the folder, the disk or the state.
            KeyProblem: the key.
            NoAnswer: the network.
            CallwellError: whatever else makes going on useless; the same export goes on later where this one stopped.
        """
        try:
            self.tree.claim(ours=self._journal.exists)
            return await self._export()
        finally:
            self.tree.release()

    async def _export(self) -> ExportReport:
        scopes, walked = await self._scopes()
        concluded, finished = {self._rule.scopes or "": walked}, dict[str, dict[str, JournalEntry]]()
        self._advance(scopes_total=len(scopes))
        folders = dict[str, str]()
        for scope in tuple(scopes):
            reason = None if self._rule.scopes is None else items.unaskable(scope)
            other = folders.setdefault(safe(scope).casefold(), scope)
            if other != scope and self.tree.folds_case():
                reason = f"its name differs from that of {other} by case alone, which this disk does not keep apart"
            try:
                if reason is None:
                    concluded[scope] = await self._walk(scope)
            except InvalidOption as error:
                reason = str(error)
            if reason is not None:
                del scopes[scope]
                self._fail(scope, "", reason)
            self._advance(scopes=self._progress.scopes + 1)
        todo = list[ExportItem]()
        for scope in scopes:
            finished[scope], more = self._plan(scope, concluded[scope])
            todo += more
        await self._fetch_all(todo, finished)
        for scope, record in self._scopes_before().items():
            if scope not in scopes:
                scopes[scope], finished[scope] = record, self._known(scope)
        return self._seal(scopes, concluded, finished)

    async def _scopes(self) -> tuple[dict[str, dict[str, Any]], WalkResult]:
        found = dict[str, dict[str, Any]]()
        if self._rule.scopes is None:
            for name in self._only:
                raise InvalidOption("workspace", name, f"nothing: {self._client.provider.name} has none")
            return {"": {}}, WalkResult(End.COMPLETE, frozenset())
        for _ in range(walks.MAX_WALKS):
            pager = self._client.pages(self._rule.scopes)
            found |= {self._scope_key(scope): scope async for scope in pager}
            if pager.verdict.end is End.COMPLETE:
                break
        for name in self._only:
            if name not in found:
                raise InvalidOption("workspace", name, f"one that the key can see ({', '.join(found) or 'none'})")
        chosen = {name: scope for name, scope in sorted(found.items()) if name in (self._only or found)}
        return chosen, WalkResult(pager.verdict.end, frozenset(found), pager.verdict.reason)

    def _scopes_before(self) -> dict[str, dict[str, Any]]:
        if self._rule.scopes is None:
            return {}
        return {self._scope_key(scope): scope for scope in self.tree.lines(_scope_file(self._rule.scopes))}

    async def _walk(self, scope: str) -> WalkResult:
        stage = self._journal.stage(safe(scope))
        done = [WalkResult(end, self._keys(scope, number), reason) for number, (end, reason) in enumerate(stage.ends)]
        while walks.again(done):
            within = items.within(self._rule, scope)
            pager = self._client.pages(self._rule.items, **within, **self._rule.items_arguments)
            pager = pager.ahead(AHEAD if self._paging is not None and self._paging.total else 1)
            if stage.position:
                before = self._journal.listed(safe(scope), len(done), stage.pages)
                pager = pager.resume(stage.position, delivered=map(self._key, before))
            async for page in pager.pages():
                kept = [replace_fields(found, dict.fromkeys(self._signed)) for found in page]
                stage = self._journal.turned(safe(scope), stage._replace(position=pager.bookmark), kept)
                self._advance(pages=self._progress.pages + 1, listed=self._progress.listed + len(page))
            verdict = pager.verdict
            done.append(WalkResult(verdict.end, self._keys(scope, len(done)), verdict.reason))
            stage = ScopeWalks((*stage.ends, (verdict.end, verdict.reason)))
            self._journal.staged(safe(scope), stage)
        return walks.conclude(done)

    def _keys(self, scope: str, walk: int) -> frozenset[str]:
        return frozenset(self._key(found) for found in self._journal.listed(safe(scope), walk))

    def _plan(self, scope: str, walked: WalkResult) -> tuple[dict[str, JournalEntry], list[ExportItem]]:
        known = self._known(scope)
        todo = list[ExportItem]()
        done = 0
        listed = {self._key(found): found for found in self._journal.listed(safe(scope))}
        everything, wall = walked.keys | known.keys(), self._client.config.clock.wall()
        names = distinct(everything)
        for key in sorted(everything):
            entry = known.get(key, JournalEntry())
            reason = items.unaskable(key)
            if reason is not None:
                self._fail(scope, key, reason)
                continue
            record = msgspec.json.decode(entry.record) if entry.record else None
            said = listed[key] if key in walked.keys else {}
            late = items.withdrawn(said, record, self._rule.expires, wall)
            changed = items.changed(said, record, self._rule.changed)
            item = ExportItem(
                scope=scope,
                key=key,
                listed=said,
                known=record,
                gone=entry.gone is not None,
                withdrawn=late,
                changed=changed,
                name=names.get(key, safe(key)),
            )
            if item.open:
                todo.append(item)
            else:
                done += 1
        self._advance(items_total=self._progress.items_total + len(everything), items=self._progress.items + done)
        return known, todo

    async def _fetch_all(self, todo: list[ExportItem], finished: dict[str, dict[str, JournalEntry]]) -> None:
        waiting = iter(todo)
        await run_workers(min(self._workers, len(todo)), lambda: self._work(waiting, finished))

    async def _work(self, waiting: Iterable[ExportItem], finished: dict[str, dict[str, JournalEntry]]) -> None:
        for item in waiting:
            entry = await self._one(item)
            if entry is not None:
                finished[item.scope][item.key] = entry
                self._journal.finish(safe(item.scope), safe(item.key), entry)

    async def _one(self, item: ExportItem) -> JournalEntry | None:
        record, note = item.known, None
        try:
            if item.whole:
                await items.look(self._client, self._rule, item)
            else:
                record = await items.fetch(self._client, self._rule, item, tree=self.tree, saved=self._saved)
                record = items.named(record, self._signed)
                self._fetched += record != item.known
        except Missing as error:
            note = items.gone(item, error)
            self._advance(gone=self._progress.gone + (not item.gone))
        except (CallError, AssetError, InvalidOption) as error:
            if isinstance(error, NoAnswer | OutOfTime):
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
        known = {self._key(record): self._entry(scope, record) for record in self.tree.lines(self._records(scope))}
        for note in self.tree.lines(GONE):
            if note["scope"] == scope:
                known[note["key"]] = known.get(note["key"], JournalEntry())._replace(gone=note)
        for entry in self._journal.finished(safe(scope)):
            record = msgspec.json.decode(entry.record) if entry.record else None
            key = entry.gone["key"] if entry.gone else self._key(record or {})
            known[key] = self._entry(scope, record, entry.gone)
        return known

    def _entry(self, scope: str, record: dict[str, Any] | None, gone: dict[str, Any] | None = None) -> JournalEntry:
        if record is not None:
            record = items.there(self.tree, scope, record, self._signed)
        return JournalEntry(msgspec.json.encode(record) if record else None, gone)

    def _seal(
        self,
        scopes: dict[str, dict[str, Any]],
        concluded: dict[str, WalkResult],
        finished: dict[str, dict[str, JournalEntry]],
    ) -> ExportReport:
        files, notes, count = dict[str, tuple[int, str]](), list[dict[str, Any]](), 0
        for scope, done in sorted(finished.items()):
            entries = [entry for _, entry in sorted(done.items())]
            lines = [entry.record for entry in entries if entry.record is not None]
            notes += [entry.gone for entry in entries if entry.gone is not None]
            count += len(lines)
            kept = set[str]()
            for line in lines:
                record = msgspec.json.decode(line)
                files.update(items.files_of(scope, record))
                kept.add(safe(self._key(record)))
                kept.update(items.folders_of(record))
            self.tree.write_lines(self._records(scope), lines)
            self.tree.prune(below(scope) + self._kind(), kept)
        if self._rule.scopes is not None:
            each = (msgspec.json.encode(scope) for _, scope in sorted(scopes.items()))
            self.tree.write_lines(_scope_file(self._rule.scopes), each)
        self.tree.write_lines(GONE, map(msgspec.json.encode, notes))
        ends = [walked.end for walked in concluded.values()]
        verdict = "failed" if self._failed else str(max(ends, key=_SEVERITY.index, default=End.COMPLETE))
        self.tree.seal(files, {"verdict": verdict, "items": count, "gone": len(notes)})
        for scope in concluded:
            self._journal.forget(safe(scope))
        return ExportReport(
            verdict,
            count,
            len(files),
            sum(size for size, _ in files.values()),
            self._fetched,
            len(notes),
            self._failed,
            {scope or self._rule.items: one.reason for scope, one in concluded.items() if one.end is not End.COMPLETE},
        )

    def _records(self, scope: str) -> str:
        return f"{below(scope)}{self._kind()}.jsonl"

    def _kind(self) -> str:
        return self._rule.items.partition(".")[0]

    def _scope_key(self, scope: dict[str, Any]) -> str:
        rule = self._client.provider.rule(self._rule.scopes or "").paging
        return items.key_of(scope, rule.key if rule and rule.key else "id")

    def _key(self, found: dict[str, Any]) -> str:
        return items.key_of(found, self._paging.key if self._paging and self._paging.key else "id")

    def _saved(self, size: int) -> None:
        self._advance(assets=self._progress.assets + 1, bytes=self._progress.bytes + size)

    def _advance(self, **changes: int) -> None:
        self._progress = self._progress._replace(**changes)
        self._show(self._progress)


_SEVERITY: Final = (End.COMPLETE, End.DRIFTED, End.TRUNCATED)


def _scope_file(scopes: str) -> str:
    return f"{scopes.partition('.')[0]}.jsonl"
