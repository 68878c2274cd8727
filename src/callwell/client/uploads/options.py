# SPDX-License-Identifier: Apache-2.0
"""The options of an upload, its result and its errors, and the checks before its first byte."""

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
from callwell.errors import FileRejected, InvalidOption, ProcessingFailed, UnknownName, UploadError, UploadMismatch
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
"""A large file to send: its bytes, its path, an open file, or a stream of bytes of unknown length."""

AsyncFileSource: TypeAlias = "FileSource | AsyncIterable[bytes]"
"""The same for the asynchronous client, which also takes an asynchronous stream."""

DEFAULT_PARALLEL: Final = 4
"""Pieces of one file sent in parallel: enough to hide the latency of each response, few enough to share the link."""

MAX_PARALLEL: Final = 16
"""More would need that many connections, which providers and proxies limit."""

PROBE_BYTES: Final = 64 << 10
"""Bytes per read while a file's container is checked: most headers fit."""

NO_UPLOAD: Final = Upload(0)
"""The position of an upload that has not started, or has ended."""


class UploadOptions(TypedDict, total=False):
    """How a file is sent.

    Attributes:
        pieces: how many are sent in parallel; 4 by default.
        piece_size: bytes of a piece; computed from the file's size, the quota and the provider's limits by default.
        progress: called with the number of bytes sent, by a thread of the transport; it must not block. The number
            falls when a piece is sent again. An exception it raises ends the upload.
        resume: resume an interrupted upload of the same file by the same call, in this process or another that shares
            the state; True by default. A stream cannot be resumed.
        check: check the file first, and refuse files that the provider would refuse; True by default.
        wait: the name of a state to wait for after the last piece.
        deadline_s: seconds for everything, waits included; unlimited by default, except an hour for `wait`.
    """

    pieces: int
    piece_size: int | None
    progress: Callable[[int], None] | None
    resume: bool
    check: bool
    wait: str | None
    deadline_s: float | None


class ResolvedUpload(NamedTuple):
    """Checked upload options; see `UploadOptions`."""

    pieces: int = DEFAULT_PARALLEL
    piece_size: int | None = None
    progress: Callable[[int], None] | None = None
    resume: bool = True
    check: bool = True
    wait: str | None = None
    deadline_s: float = float("inf")


class SandboxWarning(NamedTuple):
    """Something that happens to a file because the environment is a sandbox.

    Attributes:
        kind: `cut`, `watermark` or `deleted`.
        message: the description.
        at: for `deleted`: when, in seconds since the epoch.
    """

    kind: Literal["cut", "watermark", "deleted"]
    message: str
    at: float | None = None


class Uploaded(NamedTuple, Generic[T]):
    """A file that was sent.

    Attributes:
        target: the provider's ID of the object that holds it.
        answer: the provider's last response about that object.
        size: bytes of the file.
        pieces: the number of pieces it was sent in.
        resent: bytes sent more than once, earlier interrupted attempts included.
        warnings: what the sandbox does to it.
    """

    target: str
    answer: T
    size: int
    pieces: int
    resent: int
    warnings: tuple[SandboxWarning, ...]


def resolve(rule: UploadRule, options: Mapping[str, Any]) -> ResolvedUpload:
    """Check the options of an upload.

    Raises:
        InvalidOption: a value that an option does not accept.
        UnknownName: the profile names no such state.
    """
    values = {name: value for name, value in options.items() if value is not None}
    pieces = values.get("pieces", DEFAULT_PARALLEL)
    piece_size = values.get("piece_size")
    wait = values.get("wait")
    if not _is_int_between(pieces, 1, MAX_PARALLEL):
        raise InvalidOption("pieces", pieces, f"1 to {MAX_PARALLEL} pieces in parallel")
    if piece_size is not None and not _is_int_between(piece_size, rule.min_piece, rule.max_piece):
        raise InvalidOption("piece_size", piece_size, f"{rule.min_piece} to {rule.max_piece} bytes")
    if wait is not None and wait not in rule.until:
        raise UnknownName("state", str(wait), rule.until)
    if "deadline_s" in values:
        values["deadline_s"] = check_seconds("deadline_s", values["deadline_s"])
    return ResolvedUpload(**values)


def check_file(rule: UploadRule, file: MemoryFile | DiskFile, *, check: bool) -> Container | None:
    """Check that the provider would accept a file.

    Args:
        rule: its limits.
        file: the file.
        check: also check size and duration.

    Returns:
        the file's container, if it was checked.

    Raises:
        FileRejected: the provider would refuse it.
        UsageError: it cannot be checked here.
    """
    if not file.size:
        raise FileRejected(f"{file.name} is empty")
    if not check:
        return None
    if file.size > rule.max_bytes:
        raise FileRejected(f"{file.name} has {file.size} bytes; the provider takes {rule.max_bytes} at most")
    if rule.max_duration_s is None:
        return None
    content = container.probe(file.name, io.BufferedReader(FileView(file), PROBE_BYTES))
    if content.duration_s is not None and content.duration_s > rule.max_duration_s:
        duration = timedelta(seconds=round(content.duration_s))
        longest = timedelta(seconds=round(rule.max_duration_s))
        raise FileRejected(f"{file.name} lasts {duration}; the provider takes {longest} at most")
    return content


def may_be_cut(rule: SandboxRule | None, duration_s: float | None) -> bool:
    """Whether the environment may keep less of a file than was sent."""
    return rule is not None and rule.cut_s is not None and (duration_s is None or duration_s > rule.cut_s)


def sandbox_warnings(rule: SandboxRule | None, duration_s: float | None, wall: float) -> tuple[SandboxWarning, ...]:
    """What the environment will do to a file.

    Args:
        rule: the sandbox's rule; None if the environment is not a sandbox.
        duration_s: how long the file lasts; None if unknown.
        wall: the current time, in seconds since the epoch.
    """
    if rule is None:
        return ()
    warnings = list[SandboxWarning]()
    if may_be_cut(rule, duration_s):
        warnings.append(SandboxWarning("cut", f"only its first {rule.cut_s:g} s are kept"))
    if rule.watermark:
        warnings.append(SandboxWarning("watermark", "it gets a watermark"))
    if rule.kept_s is not None:
        at = wall + rule.kept_s
        day = datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="minutes")
        warnings.append(SandboxWarning("deleted", f"it is deleted at {day}", at))
    return tuple(warnings)


def to_error(
    failed: UploadFailed,
    operation: str,
    state: Upload,
    report: UploadStatus,
    *,
    size: int | None,
    error: Exception | None,
) -> Exception:
    """The error to raise for a failed upload.

    Args:
        failed: why it failed.
        operation: the operation that takes the pieces.
        state: the state of the upload.
        report: the provider's last report about it.
        size: bytes of the file; None if unknown.
        error: of the last piece that was lost or refused.
    """
    target = state.target
    match failed.reason:
        case UploadReason.MISMATCH:
            return _to_mismatch(operation, state, size, report)
        case UploadReason.NOT_SETTLED:
            text = f"{operation}: {target} has all pieces, but stays {report.word!r}; make the same call again later"
            return UploadMismatch(text, target=target, what="state", sent="all pieces", found=report.word)
        case UploadReason.UNREADABLE:
            text = (
                f"{operation}: {target} has all pieces, but what the provider says of them cannot be read "
                f"({report.unreadable}): see whether it is whole, and correct the upload's fields in the profile"
            )
            found = report.unreadable
            return UploadMismatch(text, target=target, what="report", sent="all pieces", found=found)
        case UploadReason.FAILED:
            text = f"{operation}: the provider cannot process the file: {target} is {report.word!r}; delete it"
            return ProcessingFailed(text, target=target, state=report.word)
        case UploadReason.PIECE_LOST:
            text = f"{operation}: the provider has lost piece {failed.number}, which it had confirmed"
            return UploadError(text, target=target)
    if failed.reason is UploadReason.OTHER_TARGET or error is None:
        text = f"{operation}: {target} expects other pieces, because another upload of it has begun"
        return UploadError(text, target=target)
    return error


def _to_mismatch(operation: str, state: Upload, size: int | None, report: UploadStatus) -> UploadMismatch:
    sent: object = size
    found: object = report.size
    what = "size"
    difference = f"the provider has {found} bytes, but {sent} were sent"
    if report.checksum_matches is False:
        what = "checksum"
        sent = "another checksum"
        found = report.checksum
        difference = "the provider's checksum is not that of the file"
    elif report.size is None or report.size == size:
        what = "pieces"
        sent = state.total
        found = len(ranges.to_numbers(report.pieces or ()))
        difference = f"the provider has {found} pieces, but {sent} were sent"
    text = f"{operation}: {state.target} is not the file that was sent: {difference}; delete it, and send it again"
    return UploadMismatch(text, target=state.target, what=what, sent=sent, found=found)


def is_same_checksum(reported: str, digest: bytes) -> bool:
    """Whether a reported checksum equals a digest: in hexadecimal (any case) or Base64, with or without quotes."""
    text = reported.strip().strip('"')
    if text.lower() == digest.hex():
        return True
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, validate=True) == digest
    except (binascii.Error, ValueError):
        return False


def position_cell(account: str, operation: str, parts: Iterable[object]) -> Cell[Upload]:
    """The cell that holds the position of an upload.

    Args:
        account: the account's name in the state.
        operation: the operation that takes the pieces.
        parts: the identity of the upload: the file and the arguments. Only their digest is stored.
    """
    digest = hashlib.sha256("\n".join(map(repr, parts)).encode("utf-8", "backslashreplace")).hexdigest()
    return Cell(f"upload:{account}:{operation}:{digest}", Upload, NO_UPLOAD)


def _is_int_between(value: object, minimum: int, maximum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum
