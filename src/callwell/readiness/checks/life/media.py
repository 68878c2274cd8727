# SPDX-License-Identifier: Apache-2.0
"""Recordings and videos of a sample folder that the provider does not take, or not as well as it could."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from callwell.errors import AudioRefused, FileProblem, FileRejected, UsageError
from callwell.readiness.check import CannotCheck, Check, Finding, Group, NotApplicable, Place, Severity, Unchecked
from callwell.readiness.origins import name_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.operations import UploadRule
    from callwell.description.provider import Provider
    from callwell.readiness.project import Project

MEDIA: Final = ("audio/", "video/")
NOT_MEDIA: Final = ("not-audio", "no-sound", "empty")
"""Why a file is not a recording, as `AudioRefused` says it."""

GIB: Final = 1 << 30


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Examine each file as it would be before it is sent; nothing is changed."""
    folder = project.scope.samples
    if folder is None:
        raise NotApplicable("no folder of samples was given")
    takers = list(_media_operations(project))
    if not takers:
        raise NotApplicable("no provider in use takes recordings or videos")
    if not folder.is_dir():
        raise CannotCheck(f"there is no folder {folder}", "Name the folder with the samples.")
    files = list(_media_files(folder))
    if not files:
        raise CannotCheck(f"{folder} has no recording and no video", "Put in files as your users send them.")
    for file in files:
        for provider, operation in takers:
            yield from _examine(file, provider, operation, project)


def _media_operations(project: Project) -> Iterator[tuple[Provider, str]]:
    """The operations that take media: of recordings the one that takes the longest, of uploads the first."""
    for provider in {account.provider.name: account.provider for account in project.in_use}.values():
        rules = provider.profile.operations
        recordings = {name: rule.audio.max_s for name, rule in rules.items() if rule.audio}
        if recordings and provider.profile.audio:
            yield provider, max(recordings, key=lambda name: recordings[name])
        uploads = [name for name, rule in rules.items() if rule.upload]
        if uploads:
            yield provider, uploads[0]


def _media_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            kind = mimetypes.guess_type(name)[0] or ""
            if kind.startswith(MEDIA):
                yield Path(parent) / name


def _examine(file: Path, provider: Provider, operation: str, project: Project) -> Iterator[Finding | Unchecked]:
    place = Place(name_in(file, project.root))
    upload = provider.rule(operation).upload
    is_video = (mimetypes.guess_type(file.name)[0] or "").startswith("video/")
    try:
        if upload is None:
            yield from _recording(file, provider, operation, place)
        elif is_video:
            yield from _video(file, provider, upload, place)
    except (FileProblem, UsageError, OSError) as error:
        yield Unchecked(what=f"the file cannot be examined: {error}", place=place)


def _recording(file: Path, provider: Provider, operation: str, place: Place) -> Iterator[Finding]:
    from callwell.media import prepare

    is_video = (mimetypes.guess_type(file.name)[0] or "").startswith("video/")
    try:
        prepared = prepare(file, provider, operation)
    except AudioRefused as refused:
        if is_video and refused.code in NOT_MEDIA:
            return
        yield Finding(
            what=f"{operation} of {provider.name} cannot take this recording: {refused.reason}",
            place=place,
            fix=f"{refused.remedy[:1].upper()}{refused.remedy[1:]}.",
            identity=f"refused {refused.code} {operation}",
            severity=Severity.ERROR,
        )
        return
    if prepared.converted:
        steps = ", ".join(map(str, prepared.steps))
        yield Finding(
            what=f"the recording is not in the format that {provider.name} recommends ({steps})",
            place=place,
            fix="Convert it with callwell.media.prepare, or record in this format.",
            identity=f"format {provider.name}",
        )
    for caution in prepared.cautions:
        yield Finding(
            what=f"for {operation} of {provider.name}: {caution}",
            place=place,
            fix="Improve your users' recordings, or accept lower quality.",
            identity=f"caution {caution.code} {operation}",
            severity=Severity.NOTE,
        )


def _video(file: Path, provider: Provider, upload: UploadRule, place: Place) -> Iterator[Finding]:
    from callwell.media import container

    size = file.stat().st_size
    if size > upload.max_bytes:
        limit = f"{upload.max_bytes / GIB:g} GiB"
        what = f"the file has {size / GIB:.1f} GiB, and {provider.name} takes {limit} at most"
        yield Finding(what=what, place=place, fix="Cut the file, or encode it again.", severity=Severity.ERROR)
    try:
        with file.open("rb") as opened:
            found = container.probe(file.name, opened)
    except FileRejected as unfit:
        what = f"{provider.name} cannot take the file: {unfit}"
        yield Finding(what=what, place=place, fix="Check that it is the right file.", severity=Severity.ERROR)
        return
    seconds = found.duration_s
    if seconds is not None and upload.max_duration_s is not None and seconds > upload.max_duration_s:
        what = f"the file lasts {seconds / 60:.0f} minutes, and {provider.name} takes {upload.max_duration_s / 60:g}"
        yield Finding(what=what, place=place, fix="Cut the file into parts.", severity=Severity.ERROR)


CHECK = Check(
    id="life.media",
    group=Group.LIFE,
    title="The sample files are in the formats that the provider recommends",
    severity=Severity.WARNING,
    why="A recording in another format is slower and scores worse; one over a limit is rejected.",
    fix="Prepare recordings before they are sent, and check files where your users choose them.",
    run=run,
)
