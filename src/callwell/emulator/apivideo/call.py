# SPDX-License-Identifier: Apache-2.0
"""What a handler is given, and the checks that handlers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import LANGUAGE, LANGUAGE_MALFORMED, parse_attributes
from callwell.emulator.apivideo.replies import ApiVideoError, ApiVideoProblem, api_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.apivideo.account import ApiVideoAccount
    from callwell.emulator.apivideo.fields import AttributeRule
    from callwell.emulator.apivideo.options import ApiVideoOptions
    from callwell.emulator.apivideo.query import ApiVideoQuery
    from callwell.emulator.apivideo.records import VideoRecord
    from callwell.emulator.apivideo.tokens import BearerTokens
    from callwell.emulator.fault_script import InjectedFault
    from callwell.emulator.form import FormFile
    from callwell.emulator.messages import IncomingRequest

IMAGES: Final[Mapping[str, bytes]] = {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF"}
EXTENSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "jpeg": ("jpeg", "jpg", "JPG", "JPEG"),
    "png": ("png",),
    "webp": ("webp",),
}


@dataclass(frozen=True, slots=True)
class ApiVideoCall:
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

    account: ApiVideoAccount
    tokens: BearerTokens
    options: ApiVideoOptions
    origin: str
    wall_s: float
    request: IncomingRequest
    arguments: Mapping[str, str]
    query: ApiVideoQuery
    fault: InjectedFault | None = None

    def has_fault(self, fault: str) -> bool:
        """Whether the request is to suffer this fault."""
        return self.fault is not None and self.fault.name == fault

    def parse_body(self, table: Mapping[str, AttributeRule]) -> dict[str, Any]:
        """The attributes of the JSON body; what does not fit is refused."""
        return parse_attributes(self.request.body, table)

    def find_in(self, table: Mapping[str, Any], name: str) -> Any:
        """The object of the path; 404 without it."""
        found = table.get(self.arguments[name])
        if found is None:
            raise api_error("resource-not-found", name)
        return found

    def video(self) -> VideoRecord:
        """The video of the path; 404 for one that is discarded."""
        video: VideoRecord = self.find_in(self.account.videos, "videoId")
        if video.discarded is not None:
            raise api_error("resource-not-found", "videoId")
        return video

    def language(self) -> str:
        """The language of the path."""
        language = self.arguments["language"]
        if not LANGUAGE.fullmatch(language):
            raise ApiVideoError(ApiVideoProblem("invalid-attribute", "language", detail=LANGUAGE_MALFORMED))
        return language

    def form_file(self) -> FormFile:
        """The one file of the form, whatever its field is called."""
        form = self.request.form
        if form is not None and not form.complete:
            raise api_error("invalid-payload")
        if form is None or not form.files:
            raise api_error("uploaded-file-no-file", "file")
        if len(form.files) > 1:
            raise api_error("uploaded-file-multiple-files", "file")
        return form.files[0]

    def form_image(self, *, most: int, kinds: tuple[str, ...]) -> bytes:
        """A picture; its content decides, unless its name says that it is something else."""
        file = self.form_file()
        if file.size == 0:
            raise api_error("uploaded-file-empty", "file")
        if file.size > most:
            raise api_error("uploaded-file-too-large", "file")
        known = [word for kind in kinds for word in EXTENSIONS[kind]]
        dot, extension = file.name.rpartition(".")[1:]
        if dot and extension not in known:
            title = f"Only [{', '.join(known)}] extensions are supported."
            raise api_error("uploaded-file-extension-invalid", "file", title=title)
        content = file.read()
        if not any(content.startswith(IMAGES[kind]) for kind in kinds):
            raise api_error("uploaded-file-invalid-file", "file")
        return content
