# SPDX-License-Identifier: Apache-2.0
"""One item: its full record and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.core import paging
from callwell.errors import AssetUnavailable, Missing
from callwell.export.tree import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from callwell.client import AsyncClient
    from callwell.core.rules import ExportRule
    from callwell.export.tree import Tree


class Item(NamedTuple):
    """One thing to export.

    Attributes:
        scope: the key of its scope.
        key: its own.
        listed: what the list said about it.
    """

    scope: str
    key: str
    listed: dict[str, Any]


def gone(item: Item, error: Missing) -> dict[str, Any]:
    """The note about an item that was deleted (410) or that the provider does not know (404)."""
    return {"scope": item.scope, "key": item.key, "status": error.status, "code": error.code}


def settled(record: dict[str, Any]) -> bool:
    """Whether nothing about a record can be completed later: a file that was to be made may yet come."""
    return all(asset["file"] is not None or asset["captured"] is False for asset in record["assets"].values())


def files_of(scope: str, record: dict[str, Any]) -> dict[str, tuple[int, str]]:
    """The files of a record: by path below the export's folder, size and SHA-256."""
    return {
        f"{safe(scope)}/{asset['file']}": (asset["size"], asset["sha256"])
        for asset in record["assets"].values()
        if asset["file"] is not None
    }


async def look(client: AsyncClient, rule: ExportRule, item: Item) -> Any:
    """An item's full record, as the provider has it now.

    Raises:
        Missing: the item is gone.
    """
    arguments = {rule.scope_parameter: item.scope, rule.item_parameter: item.key}
    return paging.at((await client.call_raw(rule.detail, **arguments)).json, rule.record)


async def fetch(
    client: AsyncClient, rule: ExportRule, item: Item, *, tree: Tree, saved: Callable[[int], None]
) -> dict[str, Any]:
    """Get an item's record and files.

    Args:
        client: which makes the calls.
        rule: what belongs to an item.
        item: the item.
        tree: where the files go.
        saved: called with the size of every file.

    Returns:
        the record, with `assets` by kind, and signed URLs replaced by the names of the files.

    Raises:
        Missing: the item is gone.
        CallwellError: see `callwell.errors`.
    """
    arguments = {rule.scope_parameter: item.scope, rule.item_parameter: item.key}
    detail = await look(client, rule, item)
    assets: dict[str, dict[str, Any]] = {}
    for operation in rule.assets:
        kind = operation.partition(".")[2]
        assets[kind] = await _asset(client, operation, arguments, item=item, tree=tree)
        saved(assets[kind]["size"] or 0)
    record = {**item.listed, **(detail if isinstance(detail, dict) else {}), "assets": assets}
    for field, operation in client.provider.rule(rule.items).signed.items():
        if field in record:
            record[field] = assets.get(operation.partition(".")[2], {}).get("file")
    return record


async def _asset(
    client: AsyncClient, operation: str, arguments: dict[str, str], *, item: Item, tree: Tree
) -> dict[str, Any]:
    rule = client.provider.rule(operation).asset
    name = (rule.name if rule else "{}").format(**{key: safe(value) for key, value in arguments.items()})
    asset = client.asset(operation, **arguments)
    try:
        saved = await asset.save(tree.path(safe(item.scope), name), before=lambda facts: tree.need(facts.size or 0))
    except AssetUnavailable as error:
        return {"file": None, "captured": error.captured, "size": None, "sha256": None, "type": None}
    return {"file": name, "captured": True, "size": saved.size, "sha256": saved.sha256, "type": saved.type}
