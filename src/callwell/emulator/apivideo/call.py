# SPDX-License-Identifier: Apache-2.0
"""A request as handlers get it, with the checks that they share."""

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

# How files of each format begin.
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
        account: the account's records.
        tokens: the account's bearer tokens.
        options: the options in force.
        origin: scheme, host and port of this environment.
        wall_s: the time of day, epoch seconds.
        request: what arrived.
        arguments: the path parameters by name.
        query: the query parameters.
        fault: the fault that the request suffers, if any.
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

    def has_fault(self, name: str) -> bool:
        """Return whether the request suffers this fault."""
        return self.fault is not None and self.fault.name == name

    def parse_body(self, table: Mapping[str, AttributeRule]) -> dict[str, Any]:
        """Return the attributes of the JSON body; a body that does not fit is refused."""
        return parse_attributes(self.request.body, table)

    def find_in(self, table: Mapping[str, Any], name: str) -> Any:
        """Return the record of the path from its table, or refuse with 404."""
        found = table.get(self.arguments[name])
        if found is None:
            raise api_error("resource-not-found", name)
        return found

    def video(self) -> VideoRecord:
        """Return the video of the path, or refuse with 404, also if it is discarded."""
        video: VideoRecord = self.find_in(self.account.videos, "videoId")
        if video.discarded is not None:
            raise api_error("resource-not-found", "videoId")
        return video

    def language(self) -> str:
        """Return the language of the path, or refuse a malformed one."""
        language = self.arguments["language"]
        if not LANGUAGE.fullmatch(language):
            raise ApiVideoError(ApiVideoProblem("invalid-attribute", "language", detail=LANGUAGE_MALFORMED))
        return language

    def form_file(self) -> FormFile:
        """Return the one file of the form; its field may have any name, because clients differ there."""
        form = self.request.form
        if form is not None and not form.complete:
            raise api_error("invalid-payload")
        if form is None or not form.files:
            raise api_error("uploaded-file-no-file", "file")
        if len(form.files) > 1:
            raise api_error("uploaded-file-multiple-files", "file")
        return form.files[0]

    def form_image(self, *, max_bytes: int, kinds: tuple[str, ...]) -> bytes:
        """Return the picture in the form.

        Its content decides, as the service takes pictures of any Content-Type, unless its name has another extension.

        Args:
            max_bytes: how many bytes it may have.
            kinds: the formats that are accepted, keys of `IMAGES`.
        """
        file = self.form_file()
        if file.size == 0:
            raise api_error("uploaded-file-empty", "file")
        if file.size > max_bytes:
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
