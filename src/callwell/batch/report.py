# SPDX-License-Identifier: Apache-2.0
"""What became of the files of a batch, while it runs and at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.client.uploads.options import SandboxWarning  # noqa: TC001 - a stored `FileResult` is read by its annotations

if TYPE_CHECKING:
    from typing import Literal


class FileResult(NamedTuple):
    """What became of one file.

    Attributes:
        file: its path, as it was given.
        target: the provider's name of the object that has it, or has a part of it if it failed.
        size: its bytes.
        pieces: in how many it was sent.
        resent: bytes that were sent more than once, by whichever process.
        warnings: what happens to it in an environment for trials.
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
    """What a batch was worth.

    Attributes:
        verdict: `complete`, or `failed` if a file could not be sent.
        files: what became of each, in the order in which they were given.
    """

    verdict: Literal["complete", "failed"]
    files: tuple[FileResult, ...]


class FileInProgress(NamedTuple):
    """A file that is being sent.

    Attributes:
        name: of the file.
        sent: bytes that are there or on their way.
        size: of how many.
    """

    name: str
    sent: int
    size: int


class UploadProgress(NamedTuple):
    """How far a batch is.

    Attributes:
        files: that are done, in this run or an earlier one.
        files_total: how many there are.
        failed: files that could not be sent.
        bytes: that are there or on their way.
        bytes_total: of how many.
        in_progress: files that are being sent.
    """

    files: int = 0
    files_total: int = 0
    failed: int = 0
    bytes: int = 0
    bytes_total: int = 0
    in_progress: tuple[FileInProgress, ...] = ()
