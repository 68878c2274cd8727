# SPDX-License-Identifier: Apache-2.0
"""The results of the files of a batch, while it runs and at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.client.uploads.options import SandboxWarning  # noqa: TC001 - msgspec reads a stored FileResult by it

if TYPE_CHECKING:
    from typing import Literal


class FileResult(NamedTuple):
    """The result of one file.

    Attributes:
        file: its path, as given.
        target: the ID of the object with the file, or with a part of it if it failed.
        size: its size in bytes.
        pieces: the number of pieces it was sent in.
        resent: bytes sent more than once, by any process.
        warnings: what a sandbox does to the file.
        error: why it failed; empty if it did not.
    """

    file: str
    target: str | None = None
    size: int = 0
    pieces: int = 0
    resent: int = 0
    warnings: tuple[SandboxWarning, ...] = ()
    error: str = ""


class UploadReport(NamedTuple):
    """The result of a batch.

    Attributes:
        verdict: `complete`, or `failed` if a file could not be uploaded.
        files: the result of each file, in the order given.
    """

    verdict: Literal["complete", "failed"]
    files: tuple[FileResult, ...]


class FileInProgress(NamedTuple):
    """A file that is being uploaded.

    Attributes:
        name: the file's name.
        sent: bytes sent or being sent.
        size: its size in bytes.
    """

    name: str
    sent: int
    size: int


class UploadProgress(NamedTuple):
    """The progress of a batch.

    Attributes:
        files: files that are uploaded, in this run or an earlier one.
        files_total: the number of files.
        failed: files that could not be uploaded.
        bytes: bytes sent or being sent.
        bytes_total: the size of all files.
        in_progress: files that are being uploaded.
    """

    files: int = 0
    files_total: int = 0
    failed: int = 0
    bytes: int = 0
    bytes_total: int = 0
    in_progress: tuple[FileInProgress, ...] = ()
