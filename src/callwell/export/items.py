# SPDX-License-Identifier: Apache-2.0
"""One item: its full record and its files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core import json_values
from callwell.errors import AssetUnavailable, Missing
from callwell.export.output_folder import below, safe, shortened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from callwell.client import AsyncClient
    from callwell.core.rules.export import ExportRule
    from callwell.export.output_folder import OutputFolder


REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


class ExportItem(NamedTuple):
    """One thing to export.

    Attributes:
        scope: the key of its scope.
        key: its own.
        listed: what the list said about it.
        known: its record from before, with the files that are there.
        gone: it was noted as gone before.
        withdrawn: its files are not given out any more, and were not when it was last asked for.
        changed: the list says that it is not as its record says.
        name: of its folder.
    """

    scope: str
    key: str
    listed: dict[str, Any]
    known: dict[str, Any] | None = None
    gone: bool = False
    withdrawn: bool = False
    changed: bool = False
    name: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing about its record can be completed: a file that was to be made may yet come."""
        if self.known is None or self.changed:
            return False
        return self.withdrawn or all(map(_final, self.known["assets"].values()))

    @property
    def open(self) -> bool:
        """Whether there is anything to do about it."""
        listed = bool(self.listed)
        return listed == self.gone if self.whole else listed or not self.gone


def key_of(found: Any, field: str) -> str:
    """The key of an entry of a list, empty if it has none that can be asked for."""
    key = found.get(field) if isinstance(found, dict) else None
    return str(key) if isinstance(key, str | int | float) and not isinstance(key, bool) else ""


def unaskable(key: str) -> str | None:
    """Why nothing can be asked for by a key, None if it can."""
    if not key:
        return "the list has an entry without a key by which it could be asked for"
    return "its key came damaged, with U+FFFD in place of what was no text" if REPLACEMENT in key else None


def withdrawn(listed: dict[str, Any], known: dict[str, Any] | None, field: str | None, wall: float) -> bool:
    """Whether an item's files are past the time at which they are withdrawn, as they were when it was last fetched.

    Args:
        listed: what the list says about it.
        known: its record from before.
        field: the field that tells the time, if the provider has one.
        wall: seconds since the epoch.
    """
    if field is None or known is None or not (told := listed.get(field)) or told != known.get(field):
        return False
    try:
        until = datetime.fromisoformat(told)
        return (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() <= wall
    except (TypeError, ValueError, OverflowError):
        return False


def changed(listed: dict[str, Any], known: dict[str, Any] | None, field: str | None) -> bool:
    """Whether the list says that an item is not as its record from before says."""
    return field is not None and known is not None and bool(listed) and listed.get(field) != known.get(field)


def within(rule: ExportRule, scope: str) -> dict[str, str]:
    """The argument that names a scope, where the provider has some."""
    return {} if rule.scope_parameter is None else {rule.scope_parameter: scope}


def gone(item: ExportItem, error: Missing) -> dict[str, Any]:
    """The note about an item that was deleted (410) or that the provider does not know (404)."""
    return {"scope": item.scope, "key": item.key, "status": error.status, "code": error.code}


def files_of(scope: str, record: dict[str, Any]) -> dict[str, tuple[int, str]]:
    """The files of a record: by path below the export's folder, size and SHA-256."""
    return {
        below(scope) + asset["file"]: (asset["size"], asset["sha256"])
        for asset in record["assets"].values()
        if asset["file"] is not None
    }


def folders_of(record: dict[str, Any]) -> set[str]:
    """The folders of an item's files, below that of its kind."""
    files = [asset["file"] for asset in record["assets"].values() if asset["file"] is not None]
    return {PurePosixPath(file).parts[1] for file in files if len(PurePosixPath(file).parts) > 2}  # noqa: PLR2004


def there(tree: OutputFolder, scope: str, record: dict[str, Any], signed: Mapping[str, str]) -> dict[str, Any]:
    """A record of whose files those that are not there, or not whole, count as still to come."""
    for asset in record["assets"].values():
        if asset["file"] is not None and not tree.has(below(scope) + asset["file"], asset["size"]):
            asset.update(file=None, size=None, sha256=None, type=None)
    return named(record, signed)


def named(record: dict[str, Any], signed: Mapping[str, str]) -> dict[str, Any]:
    """A record whose fields for signed URLs hold the names of the files.

    Args:
        record: with its assets.
        signed: the fields, and the operations that lead to the same files.
    """
    files = {kind: asset["file"] for kind, asset in record["assets"].items()}
    found = {field: files.get(operation.partition(".")[2]) for field, operation in signed.items() if field in record}
    return {**record, **found}


async def look(client: AsyncClient, rule: ExportRule, item: ExportItem) -> Any:
    """An item's full record, as the provider has it now.

    Raises:
        Missing: the item is gone.
    """
    body = (await client.call_raw(rule.detail, **_names(rule, item))).json
    return body if rule.record is None else json_values.value_at(body, rule.record)


async def fetch(
    client: AsyncClient, rule: ExportRule, item: ExportItem, *, tree: OutputFolder, saved: Callable[[int], None]
) -> dict[str, Any]:
    """Get an item's record, and the files that are not there.

    Args:
        client: which makes the calls.
        rule: what belongs to an item.
        item: the item.
        tree: where the files go.
        saved: called with the size of every file.

    Returns:
        the record, with `assets` by kind.

    Raises:
        Missing: the item is gone.
        CallwellError: see `callwell.errors`.
    """
    detail = await look(client, rule, item)
    before = item.known or {"assets": {}}
    there = {kind: asset for kind, asset in before["assets"].items() if _final(asset)}
    assets: dict[str, dict[str, Any]] = {}
    async for kind, operation, names in _wanted(client, rule, item):
        if kind in there:
            assets[kind] = there[kind]
            continue
        assets[kind] = await _asset(client, operation, names, item=item, tree=tree)
        if assets[kind]["file"] is not None:
            saved(assets[kind]["size"])
    record = {**before, **item.listed, **(detail if isinstance(detail, dict) else {})}
    record.pop("assets", None)
    return {**record, "assets": assets | there}


def _names(rule: ExportRule, item: ExportItem) -> dict[str, str]:
    """The arguments of the operations of an item."""
    return {**within(rule, item.scope), rule.item_parameter: item.key}


async def _wanted(
    client: AsyncClient, rule: ExportRule, item: ExportItem
) -> AsyncGenerator[tuple[str, str, dict[str, str]]]:
    """The files of an item: their kinds, their operations and the arguments of these."""
    names = _names(rule, item)
    for operation in rule.assets:
        yield operation.partition(".")[2], operation, names
    for kind, part in rule.parts.items():
        listed = client.provider.rule(part.list).paging
        async for found in client.pages(part.list, **names):
            key = key_of(found, listed.key if listed and listed.key else "id")
            yield f"{kind}/{key}", part.asset, {**names, part.parameter: key}


def _final(asset: dict[str, Any]) -> bool:
    return asset["file"] is not None or asset["captured"] is False


async def _asset(
    client: AsyncClient, operation: str, arguments: dict[str, str], *, item: ExportItem, tree: OutputFolder
) -> dict[str, Any]:
    described = client.provider.rule(operation).asset
    named = {key: item.name if value == item.key else safe(value) for key, value in arguments.items()}
    path = (described.name if described else "{}").format(**named)
    name = "/".join(shortened(part, part) for part in path.split("/"))
    asset = client.asset(operation, **arguments)
    try:
        with tree.place(below(item.scope) + name) as (folder, file):
            saved = await asset.save_in(folder, file, before=lambda facts: tree.need(facts.size or 0))
    except AssetUnavailable as error:
        return {"file": None, "captured": error.captured, "size": None, "sha256": None, "type": None}
    return {"file": name, "captured": True, "size": saved.size, "sha256": saved.sha256, "type": saved.type}
