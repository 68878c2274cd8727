# SPDX-License-Identifier: Apache-2.0
"""One item of an export: its record and its files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from callwell.core import json_values
from callwell.errors import AssetUnavailable, Missing
from callwell.export.file_names import safe_name, scope_prefix, shorten

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from callwell.client import AsyncClient
    from callwell.core.rules.export import ExportRule
    from callwell.export.output_folder import OutputFolder


REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


class ExportItem(NamedTuple):
    """One item to export.

    Attributes:
        scope: the key of its scope.
        key: its key.
        listed: its entry in the list; empty if the list does not have it.
        known: its record from an earlier run, with the files that exist.
        gone: whether an earlier run recorded it as gone.
        withdrawn: whether its files had already been withdrawn when it was last fetched.
        changed: whether the list shows that it has changed since its record.
        name: the name of its folder.
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
    def is_complete(self) -> bool:
        """Whether the record need not be fetched. A file that does not exist yet may still appear."""
        if self.known is None or self.changed:
            return False
        return self.withdrawn or all(map(_is_final, self.known["assets"].values()))

    @property
    def needs_work(self) -> bool:
        """Whether there is anything to fetch or to check."""
        listed = bool(self.listed)
        if self.is_complete:
            return listed == self.gone  # no longer listed: may be gone; listed again: is back
        return listed or not self.gone


def key_of(entry: Any, field: str) -> str:
    """The key of a list entry; empty if it has no usable one."""
    key = entry.get(field) if isinstance(entry, dict) else None
    return str(key) if isinstance(key, str | int | float) and not isinstance(key, bool) else ""


def key_problem(key: str) -> str | None:
    """Why an item cannot be requested by its key; None if it can."""
    if not key:
        return "this list entry has no key to request it with"
    if REPLACEMENT in key:
        return "its key arrived damaged: U+FFFD replaces invalid text"
    return None


def is_withdrawn(listed: dict[str, Any], known: dict[str, Any] | None, field: str | None, wall_s: float) -> bool:
    """Whether an item's files were withdrawn, and already had been when the item was last fetched.

    Args:
        listed: its entry in the list.
        known: its record from an earlier run.
        field: the field with the time of withdrawal, if the provider has one.
        wall_s: seconds since the epoch.
    """
    if field is None or known is None:
        return False
    expires = listed.get(field)
    if not expires or expires != known.get(field):
        return False
    try:
        until = datetime.fromisoformat(expires)
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return until.timestamp() <= wall_s
    except (TypeError, ValueError, OverflowError):
        return False


def is_changed(listed: dict[str, Any], known: dict[str, Any] | None, field: str | None) -> bool:
    """Whether the list shows that an item has changed since its record from an earlier run."""
    return field is not None and known is not None and bool(listed) and listed.get(field) != known.get(field)


def scope_arguments(rule: ExportRule, scope: str) -> dict[str, str]:
    """The argument that selects a scope; none if the provider has no scopes."""
    return {} if rule.scope_parameter is None else {rule.scope_parameter: scope}


def gone_note(item: ExportItem, error: Missing) -> dict[str, Any]:
    """The note about an item that was deleted (410) or is unknown to the provider (404)."""
    return {"scope": item.scope, "key": item.key, "status": error.status, "code": error.code}


def asset_files(scope: str, record: dict[str, Any]) -> dict[str, tuple[int, str]]:
    """A record's files, by path below the export's folder: size and SHA-256."""
    return {
        scope_prefix(scope) + asset["file"]: (asset["size"], asset["sha256"])
        for asset in record["assets"].values()
        if asset["file"] is not None
    }


def asset_folders(record: dict[str, Any]) -> set[str]:
    """The names of the folders of a record's files: the second part of `recordings/<recording>/file`."""
    files = [PurePosixPath(asset["file"]) for asset in record["assets"].values() if asset["file"] is not None]
    return {file.parts[1] for file in files if len(file.parts) > 2}  # noqa: PLR2004 - kind, item and file


def drop_missing_files(
    output: OutputFolder, scope: str, record: dict[str, Any], signed: Mapping[str, str]
) -> dict[str, Any]:
    """Mark a record's files that are missing or incomplete in the folder as still to be fetched."""
    for asset in record["assets"].values():
        if asset["file"] is not None and not output.has_file(scope_prefix(scope) + asset["file"], asset["size"]):
            asset.update(file=None, size=None, sha256=None, type=None)
    return replace_signed_urls(record, signed)


def replace_signed_urls(record: dict[str, Any], signed: Mapping[str, str]) -> dict[str, Any]:
    """Replace signed URLs, which expire and are secrets, with the names of the files.

    Args:
        record: the record with its assets.
        signed: field → the operation that leads to the same file.
    """
    files = {kind: asset["file"] for kind, asset in record["assets"].items()}
    names = {field: files.get(operation.partition(".")[2]) for field, operation in signed.items() if field in record}
    return {**record, **names}


async def fetch_record(client: AsyncClient, rule: ExportRule, item: ExportItem) -> Any:
    """Fetch an item's current record, without its files.

    Raises:
        Missing: the item is gone.
    """
    body = (await client.call_raw(rule.detail, **_item_arguments(rule, item))).json
    return body if rule.record is None else json_values.value_at(body, rule.record)


async def fetch_item(
    client: AsyncClient, rule: ExportRule, item: ExportItem, *, output: OutputFolder, on_saved: Callable[[int], None]
) -> dict[str, Any]:
    """Fetch an item's record, and the files that are missing.

    Args:
        client: the client.
        rule: the operations that lead to a record and its files.
        item: the item.
        output: the folder for the files.
        on_saved: called with the size of every file.

    Returns:
        the record, with `assets` by kind.

    Raises:
        Missing: the item is gone.
        CallwellError: see `callwell.errors`.
    """
    detail = await fetch_record(client, rule, item)
    before = item.known or {"assets": {}}
    final = {kind: asset for kind, asset in before["assets"].items() if _is_final(asset)}
    assets: dict[str, dict[str, Any]] = {}
    async for kind, operation, arguments in _asset_calls(client, rule, item):
        if kind in final:
            assets[kind] = final[kind]
            continue
        assets[kind] = await _save_asset(client, operation, arguments, item=item, output=output)
        if assets[kind]["file"] is not None:
            on_saved(assets[kind]["size"])
    record = {**before, **item.listed, **(detail if isinstance(detail, dict) else {})}
    record.pop("assets", None)
    return {**record, "assets": assets | final}


def _item_arguments(rule: ExportRule, item: ExportItem) -> dict[str, str]:
    return {**scope_arguments(rule, item.scope), rule.item_parameter: item.key}


async def _asset_calls(
    client: AsyncClient, rule: ExportRule, item: ExportItem
) -> AsyncGenerator[tuple[str, str, dict[str, str]]]:
    """The item's files: their kind, and the operation and arguments that lead to them."""
    arguments = _item_arguments(rule, item)
    for operation in rule.assets:
        yield operation.partition(".")[2], operation, arguments
    for kind, part in rule.parts.items():
        paging = client.provider.rule(part.list).paging
        async for entry in client.pages(part.list, **arguments):
            key = key_of(entry, paging.key if paging and paging.key else "id")
            yield f"{kind}/{key}", part.asset, {**arguments, part.parameter: key}


def _is_final(asset: dict[str, Any]) -> bool:
    """Whether a file exists or never will; false for one that does not exist yet."""
    return asset["file"] is not None or asset["captured"] is False


async def _save_asset(
    client: AsyncClient, operation: str, arguments: dict[str, str], *, item: ExportItem, output: OutputFolder
) -> dict[str, Any]:
    rule = client.provider.rule(operation).asset
    names = {key: item.name if value == item.key else safe_name(value) for key, value in arguments.items()}
    path = (rule.name if rule else "{}").format(**names)
    name = "/".join(shorten(part, part) for part in path.split("/"))
    asset = client.asset(operation, **arguments)
    try:
        with output.parent_of(scope_prefix(item.scope) + name) as (folder, file):
            saved = await asset.save_in(folder, file, before=lambda info: output.ensure_space(info.size or 0))
    except AssetUnavailable as error:
        return {"file": None, "captured": error.captured, "size": None, "sha256": None, "type": None}
    return {"file": name, "captured": True, "size": saved.size, "sha256": saved.sha256, "type": saved.type}
