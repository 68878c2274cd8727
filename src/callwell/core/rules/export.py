# SPDX-License-Identifier: Apache-2.0
"""The rule records of an export: which objects and files of a provider are copied into a folder.

An export walks scopes (workspaces, projects), the items of each, and for each item its record, its assets and its
parts:

    scopes ──> items ──┬─> detail      one JSON record
                       ├─> assets      files that an item has one of
                       └─> parts.KIND  files that an item has several of: captions, a language each
"""

from msgspec import Struct, field


class PartRule(Struct, frozen=True, kw_only=True):
    """Files that an item may have several of, such as captions in each language.

    Attributes:
        list: the list operation with an entry for each file; it requires the key of the item.
        asset: the asset operation of one file; it requires the key of the item and that of the entry.
        parameter: the argument that takes the key of the entry.
    """

    list: str
    asset: str
    parameter: str


class ExportRule(Struct, frozen=True, kw_only=True):
    """What `callwell export` fetches.

    Attributes:
        scopes: the list operation of what contains the items (workspaces, projects), if anything does.
        scope_parameter: the parameter of the other operations that takes the key of a scope.
        items: the list operation of the objects to export.
        items_arguments: arguments of that list that put new items last, so that pages shift little during the walk.
        expires: the field of a listed item with the time after which the provider withdraws its files. From then on
            missing files are not requested again unless that time changes.
        changed: the field of a listed item that gets a new value when the item changes. Then its record is fetched
            again, and the files that were missing; files that are there stay.
        item_parameter: the parameter of `detail` and of the assets that takes the key of an item.
        detail: the operation with the full record of one item.
        record: path of the record in its response; the whole response if None.
        assets: asset operations, in the order of fetching.
        parts: files that an item may have several of, by kind.
    """

    scopes: str | None = None
    scope_parameter: str | None = None
    items: str
    items_arguments: dict[str, str] = field(default_factory=dict)
    expires: str | None = None
    changed: str | None = None
    item_parameter: str
    detail: str
    record: str | None = None
    assets: tuple[str, ...] = ()
    parts: dict[str, PartRule] = field(default_factory=dict)
