# SPDX-License-Identifier: Apache-2.0
"""The provider's official clients, run against the emulator.

They come from the public registries, by the locks in `requirements/`, into `.cache/conformance`. The Python and the
Node client bring live suites, which run as published, but for the host. The first generation of the Node SDK and the
browser uploader bring none that can run here: theirs are in `tools/official`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import venv
from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.options import EmulatorOptions
from callwell.emulator.process import start
from certificates import Authority
from clips import clip, picture
from packages import LOCKS, ROOT, Failed, cache_folder, node_modules, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


SCRIPTS: Final = ROOT / "tools" / "official"
PROVIDER: Final = "apivideo"
NOTHING: Final[Mapping[str, str]] = {}
PART: Final = 5 << 20
LONG: Final = 3 * PART - 1234
SHORT: Final = 558_000
CAPTIONS: Final = "WEBVTT\n\n00:00.000 --> 00:02.000\nA moving picture.\n"

# Both environments of the client lead to the emulator; nothing else of it is changed.
PYTHON_RUN: Final = """\
import json, os, sys, unittest
from apivideo import auth_api_client
auth_api_client.HOST_ENVIRONMENT = dict.fromkeys(auth_api_client.HOST_ENVIRONMENT, os.environ["HOST"])
suite = unittest.defaultTestLoader.discover("test", "test_integration_videos_api.py")
result = unittest.TextTestRunner(verbosity=2).run(suite)
bad = len(result.failures) + len(result.errors)
with open(sys.argv[1], "w") as file:
    json.dump({"run": result.testsRun, "bad": bad, "skipped": len(result.skipped)}, file)
"""

JEST: Final = {
    "rootDir": ".",
    "testMatch": ["<rootDir>/test/sandbox.spec.ts"],
    "transform": {
        r"^.+\.ts$": [
            "ts-jest",
            {
                "tsconfig": {
                    "target": "ES2020",
                    "module": "CommonJS",
                    "esModuleInterop": True,
                    "strict": True,
                    "types": ["jest", "node"],
                    "typeRoots": ["../node_modules/@types"],
                }
            },
        ]
    },
}


def python_suite() -> dict[str, int]:
    """Run the suite of the Python client.

    Returns:
        How many tests were `run`, `bad` and `skipped`.
    """
    lock = LOCKS / "conformance.txt"
    place = cache_folder("python", lock)
    python = place / "venv" / "bin" / "python"
    if not (place / "ready").exists():
        venv.create(place / "venv", with_pip=True)
        pip = (str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input")
        hashed = ("--require-hashes", "--no-build-isolation", "--requirement")
        builder = place / "builder.txt"
        builder.write_text(lock_lines(lock, "setuptools"))
        run(*pip, "install", *hashed, str(builder))
        run(*pip, "install", *hashed, str(lock))
        client = place / "client.txt"
        client.write_text(lock_lines(lock, "api-video"))
        run(*pip, "download", "--no-deps", "--dest", str(place / "source"), *hashed, str(client))
        (archive,) = (place / "source").glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(place, filter="data")
        (place / "ready").touch()
    (suite,) = (folder for folder in place.iterdir() if (folder / "test" / "test_integration_videos_api.py").exists())
    write_media(suite)
    report = place / "report.json"
    against_emulator([str(python), "-c", PYTHON_RUN, str(report)], suite, host="HOST", key="API_KEY")
    return read_counts(report)


def node_suite() -> dict[str, int]:
    """Run the suite of the Node client, of today's generation."""
    place = node_modules("conformance")
    suite = place / "suite"
    if not suite.exists():
        shutil.copytree(place / "node_modules" / "@api.video" / "nodejs-client", suite)
        (suite / "jest.config.json").write_text(json.dumps(JEST))
    write_media(suite / "test" / "data")
    report = place / "report.json"
    jest = [str(place / "node_modules" / ".bin" / "jest"), "--config", "jest.config.json", "--json"]
    against_emulator([*jest, f"--outputFile={report}"], suite, host="BASE_URI", key="API_KEY")
    given = read_report(report)
    skipped = given["numPendingTests"] + given["numTodoTests"]
    bad = given["numFailedTests"] + given["numRuntimeErrorTestSuites"]
    return {"run": given["numTotalTests"] - skipped, "bad": bad, "skipped": skipped}


def first_sdk_suite() -> dict[str, int]:
    """Run our suite of the Node SDK's first generation.

    It knows a dead token only by `application/problem+json`, which the service sent at its time.
    """
    place = node_modules("conformance")
    report = place / "report.json"
    command = ["node", str(place / "first_sdk.cjs"), str(report)]
    options = {f"{PROVIDER}.problem_json": "true"}
    against_emulator(command, copy_suites(place), host="BASE_URI", key="API_KEY", settings=options)
    return read_counts(report)


def uploader_suite() -> dict[str, int]:
    """Run our suite of the browser uploader, in jsdom and through TLS."""
    place = node_modules("conformance")
    report = place / "report.json"
    authority = Authority(place)
    command = ["node", str(place / "uploader.cjs"), str(report), str(authority.issue())]
    trusted = {"NODE_EXTRA_CA_CERTS": str(authority.file)}
    against_emulator(command, copy_suites(place), host="BASE_URI", key="API_KEY", more=trusted)
    return read_counts(report)


def copy_suites(place: Path) -> Path:
    """Copy our suites next to the packages that they load. Returns the folder of their files."""
    for script in SCRIPTS.glob("*.cjs"):
        shutil.copy(script, place)
    files = place / "files"
    write_media(files)
    return files


def against_emulator(
    command: list[str],
    folder: Path,
    *,
    host: str,
    key: str,
    settings: Mapping[str, str] = NOTHING,
    more: Mapping[str, str] = NOTHING,
) -> None:
    """Run a suite against its own sandbox of the emulator.

    Args:
        command: what runs it.
        folder: where.
        host: the variable that takes the address.
        key: the variable that takes the key.
        settings: options of the emulator's account.
        more: further variables.
    """
    with start(EmulatorOptions(provider=(PROVIDER,), settings=settings)) as running:
        point = running.endpoint(PROVIDER, "sandbox")
        own = {host: point.base_url, key: point.key, "NO_PROXY": "127.0.0.1"}
        variables = {**os.environ, **own, **more}
        done = subprocess.run(
            command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode or os.environ.get("VERBOSE"):
        print(done.stdout.decode("utf-8", "replace"))


def lock_lines(lock: Path, name: str) -> str:
    """The lines of one package in a lock."""
    found = re.search(rf"^{re.escape(name)}==.*?(?=^\S|\Z)", lock.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        raise Failed(f"{lock.name} has no {name}: make lock")
    return found[0]


def write_media(folder: Path) -> None:
    """Write the files that the suites upload: real media, long enough for three parts."""
    if (folder / "10m.mp4").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    video = clip(LONG)
    (folder / "10m.mp4").write_bytes(video)
    for number, letter in enumerate("abc"):
        (folder / f"10m.mp4.part.{letter}").write_bytes(video[number * PART : (number + 1) * PART])
    (folder / "558k.mp4").write_bytes(clip(SHORT))
    (folder / "en.vtt").write_text(CAPTIONS)
    (folder / "test.jpg").write_bytes(picture("mjpeg"))
    (folder / "test.png").write_bytes(picture("png"))


def read_counts(report: Path) -> dict[str, int]:
    """The counts of tests that a suite has written."""
    return {name: int(value) for name, value in read_report(report).items()}


def read_report(report: Path) -> Mapping[str, Any]:
    """The report of a suite; it exists only if the suite ran to its end."""
    if not report.exists():
        raise Failed(f"{report.parent.name}: the suite did not come to its end")
    content: Mapping[str, Any] = json.loads(report.read_text())
    return content
