# SPDX-License-Identifier: Apache-2.0
"""What a handler is given, and the checks that handlers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import LANGUAGE, NOT_LETTERS, taken
from callwell.emulator.apivideo.replies import Problem, Refused, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.apivideo.account import Account
    from callwell.emulator.apivideo.fields import Field
    from callwell.emulator.apivideo.options import AccountOptions
    from callwell.emulator.apivideo.query import Query
    from callwell.emulator.apivideo.records import Video
    from callwell.emulator.apivideo.tokens import Tokens
    from callwell.emulator.fault_script import Hit
    from callwell.emulator.form import FormFile
    from callwell.emulator.messages import Incoming

IMAGES: Final[Mapping[str, bytes]] = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF"}
EXTENSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "jpeg": ("jpeg", "jpg", "JPG", "JPEG"),
    "png": ("png",),
    "webp": ("webp",),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One admitted request.

    Attributes:
        account: what there is.
        tokens: who may ask.
        options: the account's options in force.
        origin: scheme, host and port of this environment.
        wall: the time of day, epoch seconds.
        request: what arrived.
        arguments: what the path says, by name.
        query: the parameters.
        hit: the fault that the request is to suffer.
    """

    account: Account
    tokens: Tokens
    options: AccountOptions
    origin: str
    wall: float
    request: Incoming
    arguments: Mapping[str, str]
    query: Query
    hit: Hit | None = None

    def suffers(self, fault: str) -> bool:
        """Whether the request is to suffer this fault."""
        return self.hit is not None and self.hit.fault == fault

    def body(self, table: Mapping[str, Field]) -> dict[str, Any]:
        """The attributes of the JSON body; what does not fit is refused."""
        return taken(self.request.body, table)

    def named(self, table: Mapping[str, Any], name: str) -> Any:
        """The object of the path; 404 without it."""
        found = table.get(self.arguments[name])
        if found is None:
            raise refuse("resource-not-found", name)
        return found

    def video(self) -> Video:
        """The video of the path; 404 for one that is discarded."""
        video: Video = self.named(self.account.videos, "videoId")
        if video.discarded is not None:
            raise refuse("resource-not-found", "videoId")
        return video

    def language(self) -> str:
        """The language of the path."""
        language = self.arguments["language"]
        if not LANGUAGE.fullmatch(language):
            raise Refused(Problem("invalid-attribute", "language", detail=NOT_LETTERS))
        return language

    def file(self) -> FormFile:
        """The one file of the form, whatever its field is called."""
        form = self.request.form
        if form is not None and not form.whole:
            raise refuse("invalid-payload")
        if form is None or not form.files:
            raise refuse("uploaded-file-no-file", "file")
        if len(form.files) > 1:
            raise refuse("uploaded-file-multiple-files", "file")
        return form.files[0]

    def image(self, *, most: int, kinds: tuple[str, ...]) -> bytes:
        """A picture; its content decides, unless its name says that it is something else."""
        file = self.file()
        if file.size == 0:
            raise refuse("uploaded-file-empty", "file")
        if file.size > most:
            raise refuse("uploaded-file-too-large", "file")
        known = [word for kind in kinds for word in EXTENSIONS[kind]]
        dot, extension = file.name.rpartition(".")[1:]
        if dot and extension not in known:
            title = f"Only [{', '.join(known)}] extensions are supported."
            raise refuse("uploaded-file-extension-invalid", "file", title=title)
        content = file.read()
        if not any(content.startswith(IMAGES[kind]) for kind in kinds):
            raise refuse("uploaded-file-invalid-file", "file")
        return content
