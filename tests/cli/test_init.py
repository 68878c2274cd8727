# SPDX-License-Identifier: Apache-2.0
"""`callwell init` makes a folder that works at once, whatever the document and wherever it comes from."""

from __future__ import annotations

import gzip
import io
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from callwell import Client
from callwell.cli.main import main
from callwell.transport.base import Request, Response
from tests.cli.published import FASTAPI, PETSTORE, SPLIT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE: Final = b"<!DOCTYPE html><title>Sign in</title>"


class Answer(NamedTuple):
    """What the server of documents answers."""

    status: int = 200
    body: bytes = b""
    type: str = "application/json"
    location: str = ""


ANSWERS: Final = {
    "/openapi.json": Answer(body=json.dumps(FASTAPI).encode()),
    "/packed": Answer(body=gzip.compress(json.dumps(FASTAPI).encode()), type="application/octet-stream"),
    "/moved": Answer(302, location="/openapi.json"),
    "/loop": Answer(302, location="/loop"),
    "/away": Answer(302, location="http://shop.example/openapi.json"),
    "/login": Answer(body=PAGE, type="text/html; charset=utf-8"),
    "/docs": Answer(body=b"<html><script>SwaggerUIBundle({url: '/openapi.json'})</script>", type="text/html"),
    "/raw-page": Answer(body=PAGE, type="text/plain"),
    "/private": Answer(401, b"no"),
    "/empty": Answer(),
    "/other.json": Answer(body=b'{"hello": "world"}'),
}


class Documents(BaseHTTPRequestHandler):
    """Serves the answers above."""

    def do_GET(self) -> None:
        """Answer."""
        answer = ANSWERS.get(self.path, Answer(404, b"nothing here"))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@pytest.fixture(scope="module")
def documents() -> Iterator[str]:
    """The address of the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Scripted:
    """A transport that answers everything, and keeps the requests."""

    def __init__(self, body: object) -> None:
        self.requests: list[Request] = []
        self._body = json.dumps(body).encode()

    def send(self, request: Request) -> Response:
        """Answer."""
        self.requests.append(request)
        return Response(200, {"content-type": "application/json"}, self._body)

    def close(self) -> None:
        """Nothing to let go of."""


def save(path: Path, document: dict[str, Any]) -> str:
    """Write a document, and return its path."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What a successful command prints as JSON."""
    assert main(["init", *arguments, "--json"]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_a_fastapi_service(documents: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own document works unedited: no servers, no keys, generated operationIds, an address without a path."""
    folder = tmp_path / "shop"
    result = run(capsys, f"{documents}/openapi.json", "--to", str(folder))
    assert (result["operations"], result["callable"], result["lists"], result["paged"]) == (4, 4, 1, 1)
    assert result["environments"] == {"production": documents}
    assert (folder / "openapi.json").read_bytes() == ANSWERS["/openapi.json"].body
    assert f'source = "{documents}/openapi.json"' in (folder / "profile.toml").read_text()
    transport: Any = Scripted({"id": 7, "name": "cup"})
    with Client(folder, transport=transport) as shop:
        assert shop.items.read_by_item_id(item_id=7) == {"id": 7, "name": "cup"}
        shop.items.create(name="cup", price=2.5)
        shop.request("GET", "/health")
    assert "authorization" not in {name for item in transport.requests for name, _ in item.headers}
    assert transport.requests[0].url == f"{documents}/items/7"


def test_swagger_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is kept as it is, and its host and its key are found."""
    folder = tmp_path / "pets"
    source = save(tmp_path / "petstore.json", PETSTORE)
    result = run(capsys, source, "--to", str(folder), "--name", "petstore")
    assert result["environments"] == {"production": "https://petstore.example/v2"}
    assert result["key"] == {"scheme": "header", "header": "api_key", "env": "PETSTORE_API_KEY", "level": "documented"}
    assert json.loads((folder / "openapi.json").read_text())["swagger"] == "2.0"
    assert main(["operations", str(folder)]) == 0
    assert "pet.get_by_id" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["/packed", "/moved"])
def test_addresses(documents: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    """Redirects are followed, packed documents unpacked."""
    run(capsys, f"{documents}{path}", "--to", str(tmp_path / "shop"))
    assert (tmp_path / "shop" / "openapi.json").read_bytes() == ANSWERS["/openapi.json"].body


@pytest.mark.parametrize(
    ("path", "output"),
    [
        ("/login", "answered with a page (HTML)"),
        ("/raw-page", "answered with a page (HTML)"),
        ("/docs", "/openapi.json, which it shows"),
        ("/nothing", "answered with status 404; give the address of the document itself"),
        ("/private", "it needs a login"),
        ("/loop", "redirects more than 10 times"),
        ("/away", "redirects to http://shop.example/openapi.json, which is not read: expected an https address"),
        ("/empty", "is empty: expected an OpenAPI document"),
        ("/other.json", "openapi: expected a version 3.0, 3.1 or 3.2, or Swagger 2.0, found none"),
    ],
)
def test_other_answers(
    documents: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, output: str
) -> None:
    """One line says what came and what to do, and nothing is written."""
    assert main(["init", f"{documents}{path}", "--to", str(tmp_path / "shop")]) == 2
    printed = capsys.readouterr().err
    assert output in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "shop").exists()


def test_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A closed port is not an answer from the network."""
    assert main(["init", "http://127.0.0.1:9/openapi.json", "--to", str(tmp_path / "shop")]) == 5
    assert "gave no response" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("missing.json", "missing.json cannot be read: No such file"),
        (".", ". is a folder"),
        ("http://shop.example/openapi.json", "expected an https address (http only on this machine)"),
    ],
)
def test_other_sources(capsys: pytest.CaptureFixture[str], source: str, output: str) -> None:
    """They are refused before anything is read."""
    assert main(["init", source]) == 2
    assert output in capsys.readouterr().err


def test_standard_input(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """YAML keeps its ending; the title names the folder."""
    text = b"openapi: 3.0.0\ninfo: {title: The Corner Shop API, version: '1'}\npaths: {}\n"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    result = run(capsys, "-")
    assert (result["path"], result["name"]) == ("corner_shop", "corner_shop")
    assert (tmp_path / "corner_shop" / "openapi.yaml").read_bytes() == text


def test_files_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the document refers to comes along, in the same folders."""
    for name, content in SPLIT.items():
        save(tmp_path / "given" / name, content) if "/" not in name else None
    (tmp_path / "given" / "parts").mkdir()
    (tmp_path / "given" / "parts" / "thing.json").write_text(json.dumps(SPLIT["parts/thing.json"]))
    result = run(capsys, str(tmp_path / "given" / "api.json"), "--to", str(tmp_path / "shop"))
    assert (result["operations"], result["callable"]) == (1, 1)
    assert (tmp_path / "shop" / "parts" / "thing.json").exists()
    assert main(["operations", str(tmp_path / "shop")]) == 0


def test_what_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A profile is a person's work: it is not replaced, and with --force it is kept."""
    source = save(tmp_path / "petstore.json", PETSTORE)
    folder = tmp_path / "pets"
    run(capsys, source, "--to", str(folder))
    (folder / "profile.toml").write_text("# mine")
    assert main(["init", source, "--to", str(folder)]) == 7
    assert "profile.toml exists; name another folder with --to, or use --force" in capsys.readouterr().err
    assert (folder / "profile.toml").read_text() == "# mine"
    run(capsys, source, "--to", str(folder), "--force")
    assert (folder / "profile.toml.old").read_text() == "# mine"
    other = tmp_path / "other"
    save(other / "openapi.json", FASTAPI)
    assert main(["init", source, "--to", str(other)]) == 7
    assert "is another document" in capsys.readouterr().err


def test_the_summary_fits_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts, names the key, and says what to do next."""
    monkeypatch.chdir(tmp_path)
    source = save(tmp_path / "petstore.json", PETSTORE)
    assert main(["init", source]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "./petstore: Petstore 1.0.0"
    assert "export PETSTORE_API_KEY=…" in lines
    assert "callwell operations ./petstore" in lines
    assert max(map(len, lines)) <= 80


def test_keys_that_stand_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An operation that a second one of its name replaces is reported with its place."""
    text = json.dumps(PETSTORE, indent=1)
    path, item = next(iter(PETSTORE["paths"].items()))
    source = tmp_path / "petstore.json"
    source.write_text(text.replace('"paths": {', f'"paths": {{"{path}": {json.dumps(item)},', 1))
    assert main(["init", str(source), "--to", str(tmp_path / "shown")]) == 0
    output = f'paths."{path}" appears twice, in lines '
    assert f"  repeated      {output}" in capsys.readouterr().out
    found = run(capsys, str(source), "--to", str(tmp_path / "counted"))
    assert [text.startswith(output) for text in found["repeated_keys"]] == [True]


def test_keys_that_stand_twice_in_a_file_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is named."""
    document = {"openapi": "3.0.0", "paths": {"/a": {"get": {"$ref": "parts/a.yaml"}}}}
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.yaml").write_text("summary: A\nresponses: {}\nsummary: B\n", encoding="utf-8")
    found = run(capsys, save(tmp_path / "many.json", document), "--to", str(tmp_path / "written"))
    assert found["repeated_keys"] == ["parts/a.yaml: summary appears twice, in lines 1 and 3; the last one counts"]


def test_check(tmp_path: Path, documents: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What breaks comes first and sets the exit code; --update takes the newer document."""
    folder = tmp_path / "shop"
    run(capsys, f"{documents}/openapi.json", "--to", str(folder))
    assert main(["init", "--check", str(folder)]) == 0
    assert "no changes" in capsys.readouterr().err
    newer = json.loads(json.dumps(FASTAPI))
    del newer["paths"]["/health"]
    source = save(tmp_path / "newer.json", newer)
    assert main(["init", "--check", str(folder), source]) == 1
    assert "it is gone" in capsys.readouterr().out
    with (folder / "profile.toml").open("a") as profile:
        profile.write('\n[names]\nhealth_health_get = "service.health"\n')
    assert main(["init", "--check", str(folder), source]) == 1
    printed = capsys.readouterr()
    assert "service.health" in printed.out
    assert "1 change, 1 breaking" in printed.err
    assert main(["init", "--check", str(folder), source, "--update", "--json"]) == 1
    [change] = json.loads(capsys.readouterr().out)["changes"]
    assert change["breaking"]
    assert main(["init", "--check", str(folder), source]) == 0
