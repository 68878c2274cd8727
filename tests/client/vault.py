# SPDX-License-Identifier: Apache-2.0
"""A made-up provider that takes large files in pieces, and what it does to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from callwell.core.rules.environments import EnvironmentRule, SandboxRule
from callwell.core.rules.operations import OperationRule, UntilRule, UploadRule
from callwell.core.rules.profile import CodeRule, ErrorRule, KeyRule, Profile, QuotaRule
from callwell.description.model import Api, Operation
from callwell.description.provider import Provider
from tests.client.acme import BASE, STRING_SCHEMA, parameter
from tests.client.arguments import MULTIPART
from tests.client.world import make_error_response, make_response

if TYPE_CHECKING:
    from callwell.transport.base import NoReply, Request, Response

PIECE: Final = 1000
FILE: Final = {"type": "string", "format": "binary", "minLength": 1, "maxLength": 5 * PIECE}
SMALL: Final = b"0123456789" * 450

FILM_ID: Final = parameter("film_id", "path", STRING_SCHEMA, wire="filmId")
TITLE: Final = parameter("title", "body", {"type": "string", "minLength": 1, "maxLength": 10}, required=True)
NOTE: Final = parameter("note", "body", {"type": ["string", "null"]})
RANGE: Final = parameter("content_range", "header", STRING_SCHEMA, wire="Content-Range")
CONTENT: Final = parameter("file", "body", FILE, required=True)
TOKEN: Final = parameter("token", "query", STRING_SCHEMA, required=True)
TARGET: Final = parameter("film_id", "body", STRING_SCHEMA, wire="filmId")


def _operation(name: str, method: str, path: str, *parameters: Any, bodies: Any = ()) -> Operation:
    return Operation(
        name=name,
        method=method,
        path=path,
        parameters=parameters,
        summary="",
        response_schema={},
        bodies=bodies,
        keyless=False,
    )


OPERATIONS: Final = (
    _operation("films.make", "POST", "/films", TITLE, NOTE),
    _operation("films.get", "GET", "/films/{filmId}", FILM_ID),
    _operation("films.status", "GET", "/films/{filmId}/status", FILM_ID),
    _operation("films.send", "POST", "/films/{filmId}/file", FILM_ID, RANGE, CONTENT, bodies=(MULTIPART,)),
    _operation("films.delegate", "POST", "/send", TOKEN, RANGE, CONTENT, TARGET, bodies=(MULTIPART,)),
)

RULE: Final = UploadRule(
    file="file",
    range="content_range",
    range_format="part {piece}/{pieces}",
    unknown_total="*",
    min_piece=PIECE,
    max_piece=5 * PIECE,
    max_pieces=9,
    max_bytes=8 * PIECE,
    target="film_id",
    id="filmId",
    create="films.make",
    status="films.status",
    received="parts",
    total="total",
    received_codes=("THERE",),
    complete_codes=("WHOLE",),
    get="films.get",
    until={"ready": UntilRule(at="ready", values=(True,))},
)


def vault(*, sandbox: SandboxRule | None = None, limit: int = 100, **changes: Any) -> Provider:
    """The provider.

    Args:
        sandbox: what it does to files.
        limit: pieces in a minute.
        changes: of what it says about uploads.
    """
    values = {name: getattr(RULE, name) for name in UploadRule.__struct_fields__} | changes
    delegated = UploadRule(**(values | {"create": None, "target_from": 2, "token": "token"}))
    profile = Profile(
        name="vault",
        title="Vault",
        environments={"production": EnvironmentRule(base_url=BASE, default=True, sandbox=sandbox)},
        key=KeyRule(env="VAULT_KEY"),
        quotas={"pieces": QuotaRule(limit=limit, window_s=60, methods=())},
        errors=ErrorRule(code=("code",), codes={"THERE": CodeRule(status=400)}),
        operations={
            "films.send": OperationRule(upload=UploadRule(**values), quotas=("pieces",)),
            "films.delegate": OperationRule(upload=delegated, quotas=("pieces",)),
        },
    )
    return Provider(
        name="vault", profile=profile, api=Api(title="Vault", version="1", operations={o.name: o for o in OPERATIONS})
    )


class Vault:
    """Keeps films, each piece once.

    Args:
        spoil: by operation and how often it was asked: what comes instead of the response. The strings
            `lost` and `done` mean: the request does not arrive, or its response is lost.
    """

    def __init__(self, spoil: dict[tuple[str, int], Any] | None = None) -> None:
        self.films: dict[str, dict[int, bytes]] = {}
        self.totals: dict[str, int] = {}
        self.asked: list[str] = []
        self.ready_after = 0
        self.spoil = spoil or {}

    def __call__(self, request: Request) -> Response | NoReply:
        """What comes back."""
        path = request.url.removeprefix(BASE).partition("?")[0]
        kind = (
            "make"
            if path == "/films"
            else {"status": "status", "file": "send", "send": "send"}.get(path.rpartition("/")[2], "get")
        )
        self.asked.append(kind)
        spoilt = self.spoil.get((kind, self.asked.count(kind)))
        if spoilt is not None and not callable(spoilt):
            return spoilt  # type: ignore[no-any-return]
        reply = getattr(self, f"_{kind}")(request, path)
        return spoilt(reply) if spoilt is not None else reply  # type: ignore[no-any-return]

    def whole(self, film: str) -> bytes:
        """The film, if all of it is there."""
        pieces = self.films[film]
        assert sorted(pieces) == list(range(1, self.totals[film] + 1))
        return b"".join(pieces[number] for number in sorted(pieces))

    def _make(self, _request: Request, _path: str) -> Response:
        name = f"f{len(self.films) + 1}"
        self.films[name] = {}
        return make_response(201, {"filmId": name})

    def _send(self, request: Request, path: str) -> Response:
        body = request.body
        assert isinstance(body, bytes)
        boundary = dict(request.headers)["content-type"].partition("boundary=")[2].encode()
        parts = [part.split(b"\r\n\r\n", 1) for part in body.split(b"--" + boundary)[1:-1]]
        fields = {re.findall(rb'name="(\w+)"', head)[0]: content[:-2] for head, content in parts}
        film = path.split("/")[2] if path != "/send" else fields.get(b"filmId", b"").decode()
        if not film:
            film = f"f{len(self.films) + 1}"
            self.films[film] = {}
        if film not in self.films:
            return make_error_response(404, "MISSING")
        number, total = re.fullmatch(r"part (\d+)/(\d+|\*)", dict(request.headers)["content-range"]).groups()  # type: ignore[union-attr]
        if total != "*":
            self.totals[film] = int(total)
        pieces = self.films[film]
        if len(pieces) == self.totals.get(film):
            return make_error_response(400, "WHOLE")
        if int(number) in pieces:
            return make_error_response(400, "THERE")
        pieces[int(number)] = fields[b"file"]
        done = len(pieces) == self.totals.get(film)
        return make_response(201, {"filmId": film, "title": "t", "length": 1} if done else {"filmId": film})

    def _status(self, _request: Request, path: str) -> Response:
        film = path.split("/")[2]
        if film not in self.films:
            return make_error_response(404, "MISSING")
        ready = self.asked.count("status") > self.ready_after
        return make_response(200, {"parts": sorted(self.films[film]), "total": self.totals.get(film), "ready": ready})

    def _get(self, _request: Request, path: str) -> Response:
        return make_response(200, {"filmId": path.split("/")[2], "title": "asked"})
