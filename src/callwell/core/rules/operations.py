# SPDX-License-Identifier: Apache-2.0
"""The rule records of single operations: paging, assets, markers, uploads.

A path leads to a value in a JSON response: keys joined by dots, with numbers as indexes into lists. An argument has its
name in Python (`video_id`), a query parameter of paging the one in the document (`per_page`).
"""

from typing import Literal

from msgspec import Struct, field

from callwell.core.rules.assess import AssessRule
from callwell.core.rules.media import RecordingRule


class PagingRule(Struct, frozen=True, kw_only=True):
    """How a list is read page by page.

    Attributes:
        style: `page` (number), `offset`, `cursor`, `next-link` (in the body) or `link-header`.
        items: path of the list of items; empty if the body itself is the list.
        key: the field that identifies an item; without it, pages that shift during a walk show only in totals.
        position: the query parameter for the page number, offset or cursor.
        first: the number of the first page, or the offset of the first item.
        size: the query parameter for the number of items on a page.
        max_size: the largest size that the provider accepts; walks use it unless the caller gives another.
        more: path of the flag that says there is another page (true or false).
        next: path of the next cursor (a string or a number) or of the next link.
        next_item: without `next`: path of the next cursor in the last item of a page, which is often the item's ID.
        total: path of the number of items on all pages.
        pages: path of the number of pages.
        links: path of a list of links, each with `rel` and `uri`; the one whose `rel` is `next` leads to the next page.
    """

    style: Literal["page", "offset", "cursor", "next-link", "link-header"] = "page"
    items: str = ""
    key: str | None = None
    position: str = "page"
    first: int = 1
    size: str | None = None
    max_size: int | None = None
    more: str | None = None
    next: str | None = None
    next_item: str | None = None
    total: str | None = None
    pages: str | None = None
    links: str | None = None

    @property
    def first_item(self) -> str:
        """The path of the first item, which paths of its fields continue."""
        return f"{self.items}.0" if self.items else "0"


class AssetRule(Struct, frozen=True, kw_only=True):
    """An operation that answers with the signed URL of a file; such a URL expires.

    Attributes:
        url: path of the URL; null there means that there is no file.
        size: path of the size in bytes.
        type: path of the media type.
        captured: path of a flag: whether the file was ever made.
        once: each URL works for one request only, even if that is for a part of the file.
        public: path of a flag: anyone may read the file, so its URL works for any number of requests.
        name: the path of the file in an export, with `{arguments}` of the operation.
        absent: statuses of the storage that mean "no such file" and not "the URL has expired".
        method: the name of an additional method of the group that saves the file directly.
    """

    url: str
    size: str | None = None
    type: str | None = None
    captured: str | None = None
    once: bool = False
    public: str | None = None
    name: str
    absent: tuple[int, ...] = ()
    method: str | None = None


class MarkerRule(Struct, frozen=True, kw_only=True):
    """How a created object carries a marker, so that it can be found if the response is lost.

    Attributes:
        parameter: the argument that takes the marker.
        form: `entries`: a list of entries, each with a name and a value; `map`: an object of strings by name.
        key: the field of an entry with its name.
        value: the field of an entry with the marker.
        name: the name of the entry.
        probe: the list operation that finds the object.
        filter: its argument that takes names and markers; None if the whole list is searched.
        arguments: its further arguments.
        shared: its arguments that are also arguments of the creation: names there by names here. A list takes one as
            its item.
        result: the path to the object in a response to the creation; by default the profile's `result`.
        echoed: paths of fields in that response that repeat an argument, each with the argument's name.
    """

    parameter: str
    form: Literal["entries", "map"] = "entries"
    key: str = "key"
    value: str = "value"
    name: str
    probe: str
    filter: str | None = None
    arguments: dict[str, str] = {}
    shared: dict[str, str] = {}
    result: str | None = None
    echoed: dict[str, str] = {}


class UntilRule(Struct, frozen=True, kw_only=True):
    """A state that an uploaded object reaches later and that a caller can wait for.

    Attributes:
        at: path of the state in the response of the `status` operation.
        values: the values that mean the state is reached.
        failed_at: path of the value that says the state will never be reached; it may lead through lists.
        failed: the values that mean that.
        pending: values that mean the provider is still at work, even if others already say that it failed.
    """

    at: str
    values: tuple[str | bool, ...]
    failed_at: str | None = None
    failed: tuple[str | bool, ...] = ()
    pending: tuple[str | bool, ...] = ()


class UploadRule(Struct, frozen=True, kw_only=True):
    """An operation that receives a large file in pieces, in any order and in parallel.

    Attributes:
        file: the argument that takes a piece.
        range: the argument that identifies the piece, usually the header `Content-Range`.
        range_format: the value of `range`, with `{piece}`, counted from 1, and `{pieces}`.
        unknown_total: the value of `{pieces}` while the number is unknown; if None, streams of unknown length are
            refused.
        min_piece: bytes of the smallest piece; the last one may be smaller.
        max_piece: bytes of the largest piece.
        max_pieces: the maximum number of pieces of a file.
        max_bytes: bytes of the largest file.
        max_duration_s: the longest video, in seconds.
        target: the argument for the object that the pieces belong to.
        target_from: the first piece that must have it; a piece without it makes the provider create an object.
        id: path of the object's ID in the response.
        token: the argument that takes an upload token instead of the key.
        create: the operation that creates an empty object.
        status: the operation that reports what has been received.
        received: path of the list of received pieces in its response.
        total: path of the number of pieces that it expects.
        state: the state "the whole file was received", if its response has one.
        size: path of the number of bytes received.
        checksum: path of their checksum.
        checksum_kind: the algorithm of the checksum.
        received_codes: error codes that mean this piece was already received.
        complete_codes: error codes that mean the object already has its whole file.
        get: the operation that returns the object, used if the response with it was lost.
        until: states that a caller can wait for, by name.
    """

    file: str
    range: str
    range_format: str
    unknown_total: str | None = None
    min_piece: int
    max_piece: int
    max_pieces: int
    max_bytes: int
    max_duration_s: float | None = None
    target: str
    target_from: int = 1
    id: str
    token: str | None = None
    create: str | None = None
    status: str
    received: str
    total: str
    state: UntilRule | None = None
    size: str | None = None
    checksum: str | None = None
    checksum_kind: Literal["md5", "sha1", "sha256", "sha512"] = "sha256"
    received_codes: tuple[str, ...] = ()
    complete_codes: tuple[str, ...] = ()
    get: str | None = None
    until: dict[str, UntilRule] = field(default_factory=dict)


class OperationRule(Struct, frozen=True, kw_only=True):
    """What the profile adds to one operation of the OpenAPI document.

    Attributes:
        like: makes this a new operation with the request of an existing one, so that one response can lead to several
            files.
        summary: one line about a new operation.
        alpha: the provider calls it alpha, so the client refuses it unless the `alpha` option is set.
        repeatable: whether repeating it is harmless; if None, the HTTP method decides (RFC 9110, section 9.2.2).
        quotas: the quotas that it counts against; if None, those that count its method.
        paging: it returns a list in pages.
        asset: it leads to a file.
        marker: the object that it creates carries a marker.
        upload: it receives a large file in pieces.
        audio: it takes a recording.
        assess: it assesses a recording.
        remember: its result depends on the request alone, so it may be cached.
        gone_if: an operation that takes some of its arguments and succeeds if the object was deleted: after a 404 it
            distinguishes "deleted" from "never existed".
        renamed: renamed fields of its result (for a list, of its items): the old path, and the new name. The caller
            finds the value under the new name, no matter which one the provider sends.
        signed: paths of signed URLs in its items, each with the asset operation of the same file, or an empty string if
            there is none.
    """

    like: str | None = None
    summary: str = ""
    alpha: bool = False
    repeatable: bool | None = None
    quotas: tuple[str, ...] | None = None
    paging: PagingRule | None = None
    asset: AssetRule | None = None
    marker: MarkerRule | None = None
    upload: UploadRule | None = None
    audio: RecordingRule | None = None
    assess: AssessRule | None = None
    remember: bool = False
    gone_if: str | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    signed: dict[str, str] = field(default_factory=dict)
