# SPDX-License-Identifier: Apache-2.0
"""The rule records of single operations: lists, files behind addresses, marks, large files in pieces."""

from __future__ import annotations

import dataclasses
from typing import Literal

from callwell.core.rules.assess import AssessRule  # noqa: TC001 - as below
from callwell.core.rules.media import RecordingRule  # noqa: TC001 - description/profile.py asks for the types of fields


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PagingRule:
    """How a list is read page by page. Dotted names are paths into the body.

    Attributes:
        style: `page` (number), `offset`, `cursor`, `next-link` (in the body) or `link-header`.
        items: where the items are, relative to the body.
        key: the field that names an item; without it, drift shows only in totals.
        position: the query parameter that carries the page number, offset or cursor.
        first: the number of the first page, or the first offset.
        size: the query parameter for the page's size.
        max_size: the largest size that the provider takes, used for walks unless the caller says otherwise.
        more: where the body says that there is more (true or false).
        next: where the body has the next cursor (a text or a number) or link.
        total: where the body has the total of items.
        pages: where the body has the total of pages.
        links: where the body has a list of links, each with `rel` and `uri`; the one whose `rel` is `next` leads on.
    """

    style: Literal["page", "offset", "cursor", "next-link", "link-header"] = "page"
    items: str
    key: str | None = None
    position: str = "page"
    first: int = 1
    size: str | None = None
    max_size: int | None = None
    more: str | None = None
    next: str | None = None
    total: str | None = None
    pages: str | None = None
    links: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AssetRule:
    """An operation whose answer names a file behind a signed URL that expires.

    Attributes:
        url: where the body has the URL; null there means that there is no file.
        size: where it has the size in bytes.
        type: where it has the media type.
        captured: where it says whether such a file was made at all.
        once: each URL is good for one request, whatever that asks for.
        public: where it says that anybody may have the file: then its URL is good for more than one all the same.
        name: the file's name in an export, with `{parameters}` of the operation.
        absent: statuses of the storage which say that there is no such file, and not that the URL has expired.
        method: the name of a method of the same group that saves the file, besides the one that leads to it.
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MarkerRule:
    """How a creating operation carries a mark by which its object is found again, should its answer be lost.

    Attributes:
        parameter: the argument that takes it: a list of entries.
        key: the field of an entry with its name.
        value: the field of an entry with the mark.
        name: what the entry is called.
        probe: the list operation that looks for it.
        filter: its argument, which takes names and marks.
    """

    parameter: str
    key: str = "key"
    value: str = "value"
    name: str
    probe: str
    filter: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UntilRule:
    """A state of an object that can be waited for after its file has been sent.

    Attributes:
        at: where the answer of the operation that says what has arrived tells it.
        values: what stands there then.
        failed_at: where it says that the object will never be in this state; the path may lead through lists.
        failed: what stands there then.
        pending: what stands there while the provider is still at work, so that nothing is decided yet.
    """

    at: str
    values: tuple[str | bool, ...]
    failed_at: str | None = None
    failed: tuple[str | bool, ...] = ()
    pending: tuple[str | bool, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UploadRule:
    """An operation that takes a large file in pieces, in any order and several at once.

    Attributes:
        file: the argument that takes a piece.
        range: the argument that says which piece it is.
        form: what that says, with `{piece}`, counted from 1, and `{pieces}`.
        unknown: what stands for a number of pieces that is not known yet.
        min_piece: bytes of every piece but the last.
        max_piece: bytes of a piece.
        max_pieces: pieces of a file.
        max_bytes: bytes of a file.
        max_duration_s: how long what it shows may last.
        target: the argument that names the object to which the pieces belong.
        target_from: the first piece that must name it; where it is not given, the provider makes an object.
        id: where the answer names the object.
        token: the argument that takes a token in place of the key.
        create: the operation that makes an empty object.
        status: the operation that says what has arrived.
        received: where its answer has the list of pieces that have arrived.
        total: where its answer has how many there will be.
        state: that it has the whole file, where its answer says so in a word.
        size: where its answer has how many bytes it has.
        checksum: where its answer has a checksum of them.
        checksum_kind: by which algorithm that is made.
        there: codes by which a piece is refused because it is there already.
        whole: codes by which a piece is refused because the object has its whole file.
        get: the operation that gives the object, for when the answer that had it was lost.
        until: states that can be waited for afterwards, by name.
    """

    file: str
    range: str
    form: str
    unknown: str | None = None
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
    there: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    get: str | None = None
    until: dict[str, UntilRule] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OperationRule:
    """What the profile adds to one operation of the OpenAPI document.

    Attributes:
        like: for an operation of a name of its own: another one, whose request it is. So an answer can lead to files.
        summary: of such an operation, one line about it.
        alpha: the provider itself calls it alpha: it is refused unless the `alpha` option allows it.
        repeatable: whether a second arrival does no harm, where the HTTP method does not tell.
        quotas: names of the quotas that it counts against; all of them unless said.
        paging: how its list is read.
        asset: that it leads to a file.
        marker: how what it creates is found again.
        upload: that it takes a large file in pieces.
        audio: that it takes a recording.
        assess: that it assesses one.
        remember: its results may be remembered: they follow from what is sent, and from nothing else.
        gone_if: an operation that takes one or more of its arguments, and succeeds if what is not found was deleted.
        renamed: fields of its result (of its items, for a list) that have a new name: the old place, dotted, and the
            new name, under which the caller finds them whichever the provider sends.
        signed: fields of its items that hold signed URLs, dotted, with the asset operation whose file is meant; an
            empty one where there is none.
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
    renamed: dict[str, str] = dataclasses.field(default_factory=dict)
    signed: dict[str, str] = dataclasses.field(default_factory=dict)
