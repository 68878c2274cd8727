# SPDX-License-Identifier: Apache-2.0
"""The rule records of an export: what there is of a provider's to be fetched into a folder."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PartRule:
    """Files of an item of which there may be several, such as its captions in each language.

    Attributes:
        list: the list operation that names them; it needs the key of the item.
        asset: the asset operation of each; it needs the key of the item and its own.
        parameter: the argument that takes its own.
    """

    list: str
    asset: str
    parameter: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExportRule:
    """What `callwell export` fetches.

    Attributes:
        scopes: a list operation whose items the export walks one after the other (workspaces, projects), if there are
            such.
        scope_parameter: the parameter of the other operations that takes the key of a scope.
        items: the list operation of what is exported.
        items_arguments: arguments of that list by which new items come last, so that a walk drifts as little as can be.
        expires: the field of a listed item that says when its files are withdrawn; from then on those that are not
            there are not asked for again, unless that time changes.
        changed: the field of a listed item that is another one when something of the item has changed; then its record
            is fetched anew, and files that were not there. Those that were there stay.
        item_parameter: the parameter of `detail` and of the assets that takes the key of an item.
        detail: the operation that gives one item's full record.
        record: where that operation's answer has the record; the whole answer unless said.
        assets: asset operations, in the order in which they are fetched.
        parts: by kind, files of an item of which there may be several.
    """

    scopes: str | None = None
    scope_parameter: str | None = None
    items: str
    items_arguments: dict[str, str] = dataclasses.field(default_factory=dict)
    expires: str | None = None
    changed: str | None = None
    item_parameter: str
    detail: str
    record: str | None = None
    assets: tuple[str, ...] = ()
    parts: dict[str, PartRule] = dataclasses.field(default_factory=dict)
