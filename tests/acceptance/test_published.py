# SPDX-License-Identifier: Apache-2.0
"""Documents as their providers publish them: their clients pass strict type checkers, and read every list over HTTP.

They are not part of the project: without them it skips.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from callwell import Client, Key
from callwell.codegen.package_code import package_code
from callwell.codegen.package_files import write_package
from callwell.core.verdict import End
from callwell.description import profile, schemas
from callwell.description.infer.inference import infer
from callwell.description.infer.profile_text import write_profile
from callwell.description.intake.document import read_intake
from callwell.description.provider import Provider
from schema_samples import sample
from tests.description.list_server import DEFAULT_SIZE, PAGES, serve_lists
from tests.description.test_published import DOCUMENTS, FOLDER
from tests.processes.type_check import mypy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from callwell.core.rules.operations import PagingRule
    from callwell.description.model import Operation
    from tests.description.list_server import ListServer


@pytest.fixture(scope="module", params=DOCUMENTS, ids=lambda document: document.file)
def described(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """A provider, described by its document alone."""
    packed = FOLDER / f"{request.param.file}.gz"
    if not packed.exists():
        pytest.skip("the published documents are not here")
    file = tmp_path_factory.mktemp("document") / request.param.file
    file.write_bytes(gzip.decompress(packed.read_bytes()))
    facts = read_intake(file.read_bytes(), file).facts
    text = write_profile(infer(facts, "published"))
    return Provider(name="published", profile=profile.parse(text, facts.api), api=facts.api)


@pytest.fixture(scope="module")
def server() -> Iterator[ListServer]:
    """A provider of lists."""
    with serve_lists() as made:
        yield made


def test_its_client_passes_type_checkers(root: Path, tmp_path: Path, described: Provider) -> None:
    """Mypy and pyright, both strict, find nothing in the whole package."""
    package = tmp_path / "published"
    package.mkdir()
    files = package_code(described).files
    write_package(package, files)
    answer = mypy(tmp_path, "published")
    assert answer.returncode == 0, answer.stdout[-2000:]
    config = tmp_path / "pyrightconfig.json"
    settings = {"typeCheckingMode": "strict", "include": ["published"], "extraPaths": [str(root / "src")]}
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    checked = subprocess.run([*command, "--project", str(config)], capture_output=True, text=True, check=False)
    report = json.loads(checked.stdout)
    assert report["summary"]["filesAnalyzed"] == sum(file.endswith(".py") for file in files)
    assert report["generalDiagnostics"] == []


def test_every_list_is_read_over_http(server: ListServer, described: Provider) -> None:
    """Three pages of each list arrive, and the client sees that they are all."""
    lists = [one for one in described.api.operations.values() if described.rule(one.name).paging]
    with Client(described, key=Key("k"), base_url=server.address, state="memory:") as client:
        for operation in lists:
            assert walk(client, server, operation) == list(range(PAGES * server.size)), operation.name


def walk(client: Client, server: ListServer, operation: Operation) -> list[int]:
    """The items of a list, read to its end over HTTP with the least arguments that it takes."""
    rule = client.provider.rule(operation.name).paging
    assert rule is not None
    sent = {parameter.wire_name: parameter for parameter in operation.parameters}
    arguments = {one.name: sample(one.schema, "least") for one in sent.values() if one.required}
    if rule.size in sent:
        size = max(DEFAULT_SIZE, int(sent[rule.size].schema.get("minimum", 0)))
        arguments[sent[rule.size].name] = str(size) if takes(sent[rule.size].schema, "string") else size
    if rule.position in sent:
        arguments.pop(sent[rule.position].name, None)
    server.offer(rule, cursor_maker(operation, rule))
    pager = client.pages(operation.name, **arguments)
    got = [item["number"] for item in pager]
    assert pager.verdict.end is End.COMPLETE
    assert len(server.served) >= PAGES
    return got


def cursor_maker(operation: Operation, rule: PagingRule) -> Callable[[int], int | str]:
    """What a cursor is: a number, a string of digits, or any string, as the document says of both its ends."""
    path = f"{rule.first_item}.{rule.next_item}" if rule.next_item else rule.next
    received = schemas.at_path(operation.response_schema, path) if path else None
    if takes(received or {}, "integer"):
        return int
    sent = (one.schema for one in operation.parameters if one.wire_name == rule.position)
    return str if takes(next(sent, {}), "integer") else "after-{}".format


def takes(schema: Mapping[str, Any], kind: str) -> bool:
    """Whether values of a schema are of one type."""
    return schemas.type_names(schema)[:1] == [kind]
