# SPDX-License-Identifier: Apache-2.0
"""What a caller may say about an upload, what comes of one, and what is looked at before its first byte."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NamedTuple, TypeAlias, TypedDict, TypeVar

from callwell.client.calls.options import check_seconds
from callwell.client.uploads.files import FileView
from callwell.core import ranges
from callwell.core.upload import Upload, UploadReason
from callwell.errors import FileUnfit, InvalidOption, ProcessingFailed, UnknownName, UploadError, UploadMismatch
from callwell.media import container
from callwell.state.base import Cell

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, Callable, Iterable, Mapping
    from typing import BinaryIO

    from callwell.client.uploads.files import DiskFile, MemoryFile
    from callwell.core.rules.environments import SandboxRule
    from callwell.core.rules.operations import UploadRule
    from callwell.core.upload import UploadFailed
    from callwell.core.upload_status import UploadStatus
    from callwell.media.container import Container

T = TypeVar("T")

FileSource: TypeAlias = "bytes | str | os.PathLike[str] | BinaryIO | Iterable[bytes]"
"""A large file to be sent: its bytes, its path, an open file, or a stream of bytes whose end need not be known."""

AsyncFileSource: TypeAlias = "FileSource | AsyncIterable[bytes]"
"""The same for the asynchronous side, where a stream may be awaited."""

DEFAULT_PARALLEL: Final = 4
MAX_PARALLEL: Final = 16
"""Pieces of one file that may be under way: as many connections are open."""

PROBE_BYTES: Final = 64 << 10
"""Bytes that are read at once while a file is looked into."""

NO_UPLOAD: Final = Upload(0)
"""The position of an upload that was never begun, or has ended."""


class UploadOptions(TypedDict, total=False):
    """How a file is sent.

    Attributes:
        pieces: how many are sent at once; 4 unless said.
        piece_size: bytes of a piece; chosen by the file's size, the quota and the provider's limits unless said.
        progress: called with the number of bytes that are there or on their way, by a thread of the transport's; it
            must not wait. The number falls when a piece is sent again. What it raises ends the upload.
        resume: go on with an upload of the same file by the same call that did not end, in this process or another
            one that shares the state; True unless said. A stream cannot be resumed.
        check: look into the file first, and refuse what the provider would refuse; True unless said.
        wait: the name of a state that is waited for when all is sent.
        deadline_s: seconds for everything, waits included; none unless said, but an hour for the state that is waited
            for.
    """

    pieces: int
    piece_size: int | None
    progress: Callable[[int], None] | None
    resume: bool
    check: bool
    wait: str | None
    deadline_s: float | None


class ResolvedUpload(NamedTuple):
    """Upload options, checked: see `UploadOptions`."""

    pieces: int = DEFAULT_PARALLEL
    piece_size: int | None = None
    progress: Callable[[int], None] | None = None
    resume: bool = True
    check: bool = True
    wait: str | None = None
    deadline_s: float = float("inf")


class SandboxWarning(NamedTuple):
    """Something that happens to a file because the environment is one for trials.

    Attributes:
        kind: `cut`, `watermark` or `deleted`.
        message: the same in words.
        at: for `deleted`: seconds since the epoch.
    """

    kind: Literal["cut", "watermark", "deleted"]
    message: str
    at: float | None = None


class Uploaded(NamedTuple, Generic[T]):
    """A file that was sent.

    Attributes:
        target: the provider's name of the object that has it.
        answer: the provider's last answer about it.
        size: bytes of the file.
        pieces: in how many it was sent.
        resent: bytes that were sent more than once; those of processes that were interrupted before count as well.
        warnings: what happens to it in an environment for trials.
    """

    target: str
    answer: T
    size: int
    pieces: int
    resent: int
    warnings: tuple[SandboxWarning, ...]


def resolve(rule: UploadRule, options: Mapping[str, Any]) -> ResolvedUpload:
    """The options, checked.

    Raises:
        InvalidOption: a value that an option cannot take.
        UnknownName: a state that the profile does not name.
    """
    values = {name: value for name, value in options.items() if value is not None}
    pieces, size, wait = values.get("pieces", DEFAULT_PARALLEL), values.get("piece_size"), values.get("wait")
    if not _is_int_between(pieces, 1, MAX_PARALLEL):
        raise InvalidOption("pieces", pieces, f"1 to {MAX_PARALLEL} pieces at once")
    if size is not None and not _is_int_between(size, rule.min_piece, rule.max_piece):
        raise InvalidOption("piece_size", size, f"{rule.min_piece} to {rule.max_piece} bytes")
    if wait is not None and wait not in rule.until:
        raise UnknownName("state", str(wait), rule.until)
    if "deadline_s" in values:
        values["deadline_s"] = check_seconds("deadline_s", values["deadline_s"])
    return ResolvedUpload(**values)


def check_file(rule: UploadRule, file: MemoryFile | DiskFile, *, check: bool) -> Container | None:
    """See that the provider would take a file.

    Args:
        rule: what it takes.
        file: the file.
        check: look into it as well.

    Returns:
        what it holds, if it was looked at.

    Raises:
        FileUnfit: the provider would not take it.
        UsageError: it cannot be looked at here.
    """
    if not file.size:
        raise FileUnfit(f"{file.name}: it is empty")
    if not check:
        return None
    if file.size > rule.max_bytes:
        raise FileUnfit(f"{file.name}: {file.size} bytes, and the provider takes {rule.max_bytes} at most")
    if rule.max_duration_s is None:
        return None
    found = container.probe(file.name, io.BufferedReader(FileView(file), PROBE_BYTES))
    if found.duration_s is not None and found.duration_s > rule.max_duration_s:
        lasts, most = (timedelta(seconds=round(s)) for s in (found.duration_s, rule.max_duration_s))
        raise FileUnfit(f"{file.name}: it lasts {lasts}, and the provider takes {most} at most")
    return found


def may_be_cut(rule: SandboxRule | None, duration_s: float | None) -> bool:
    """Whether the environment may keep less of a file than was sent."""
    return rule is not None and rule.cut_s is not None and (duration_s is None or duration_s > rule.cut_s)


def sandbox_warnings(rule: SandboxRule | None, duration_s: float | None, wall: float) -> tuple[SandboxWarning, ...]:
    """What will happen to a file.

    Args:
        rule: what the environment does to files.
        duration_s: how long the file lasts; None if that is not known.
        wall: seconds since the epoch.
    """
    found = list[SandboxWarning]()
    if rule is None:
        return ()
    if may_be_cut(rule, duration_s):
        found.append(SandboxWarning("cut", f"only its first {rule.cut_s:g} s are kept"))
    if rule.watermark:
        found.append(SandboxWarning("watermark", "a watermark is burnt in"))
    if rule.kept_s is not None:
        at = wall + rule.kept_s
        day = datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="minutes")
        found.append(SandboxWarning("deleted", f"it is deleted at {day}", at))
    return tuple(found)


def to_error(
    fail: UploadFailed, operation: str, state: Upload, said: UploadStatus, *, size: int | None, error: Exception | None
) -> Exception:
    """The error of an upload that has failed.

    Args:
        fail: how.
        operation: by which it was sent.
        state: where it stands.
        said: what the provider has said last.
        size: bytes of the file, as far as they are known.
        error: what became of the last piece that was lost or refused.
    """
    target = state.target
    if fail.why is UploadReason.DIFFERS:
        return _to_mismatch(operation, state, size, said)
    if fail.why is UploadReason.UNSETTLED:
        text = f"{operation}: {target} has all pieces, but is {said.word!r} all the time: the same call looks again"
        return UploadMismatch(text, target=target, what="state", sent="all pieces", found=said.word)
    if fail.why is UploadReason.FAILED:
        text = f"{operation}: the provider cannot use what was sent: {target} is {said.word!r}: delete it"
        return ProcessingFailed(text, target=target, state=said.word)
    if fail.why is UploadReason.FORGOTTEN:
        text = f"{operation}: the provider has forgotten piece {fail.number}, which had arrived"
        return UploadError(text, target=target)
    if fail.why is UploadReason.OTHER or error is None:
        text = f"{operation}: the object expects other pieces: another upload of it has begun"
        return UploadError(text, target=target)
    return error


def _to_mismatch(operation: str, state: Upload, size: int | None, said: UploadStatus) -> UploadMismatch:
    sent: object = size
    found: object = said.size
    what = "size"
    difference = f"the provider has {found} bytes, and {sent} were sent"
    if said.same is False:
        what = "checksum"
        sent = "another checksum"
        found = said.checksum
        difference = "the provider's checksum is not that of the file"
    elif said.size is None or said.size == size:
        what = "pieces"
        sent = state.total
        found = len(ranges.numbers(said.parts or ()))
        difference = f"the provider has {found} pieces, and {sent} were sent"
    text = f"{operation}: {state.target} is not the file that was sent: {difference}: delete it, and send it again"
    return UploadMismatch(text, target=state.target, what=what, sent=sent, found=found)


def is_same_checksum(said: str, digest: bytes) -> bool:
    """Whether a checksum that a provider gives is this digest: in hex of any case or Base64, in quotes or not."""
    text = said.strip().strip('"')
    if text.lower() == digest.hex():
        return True
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, validate=True) == digest
    except (binascii.Error, ValueError):
        return False


def position_cell(account: str, operation: str, parts: Iterable[object]) -> Cell[Upload]:
    """Where the position of an upload is stored.

    Args:
        account: whose upload it is.
        operation: by which.
        parts: what makes it this upload: the file and the arguments. Only a digest of them is stored.
    """
    digest = hashlib.sha256("\n".join(map(repr, parts)).encode("utf-8", "backslashreplace")).hexdigest()
    return Cell(f"upload:{account}:{operation}:{digest}", Upload, NO_UPLOAD)


def _is_int_between(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
