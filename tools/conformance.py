# SPDX-License-Identifier: Apache-2.0
"""Compare Callwell and its emulators with what others publish: `make conformance`.

The official clients run against the emulator. Callwell runs through real proxies and a real pooler, and reads and calls
published APIs. A suite passes only if every test that it is known to have was run and passed: a missing or skipped test
is a failure. Names as arguments run those suites alone: `tools/conformance.py uploader proxies`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import directory_suite
import judged_suite
import official_clients
import pooler_suite
import proxy_suite
from packages import Failed

if TYPE_CHECKING:
    from collections.abc import Callable


class Suite(NamedTuple):
    """A suite.

    Attributes:
        title: how it is reported.
        run: runs it; returns how many tests were `run`, `bad` and `skipped`.
        tests: how many there are.
    """

    title: str
    run: Callable[[], dict[str, int]]
    tests: int


SUITES: Final = {
    "python": Suite("the official Python client", official_clients.python_suite, 7),
    "node": Suite("the official Node client", official_clients.node_suite, 39),
    "first-sdk": Suite("the first generation of the Node SDK", official_clients.first_sdk_suite, 13),
    "uploader": Suite("the official browser uploader", official_clients.uploader_suite, 8),
    "proxies": Suite("Callwell through real proxies", proxy_suite.suite, len(proxy_suite.TESTS)),
    "pooler": Suite("state behind a pooler", pooler_suite.suite, pooler_suite.NUMBER),
    "directory": Suite("published documents, read", directory_suite.suite, directory_suite.DOCUMENTS),
    "judged": Suite("published documents, judged by a mock server", judged_suite.suite, len(judged_suite.DOCUMENTS)),
}


def main(names: list[str]) -> int:
    """Run suites.

    Args:
        names: which ones; all if there are none.

    Returns:
        0 if all passed, 1 otherwise.
    """
    failed = False
    for name in names or SUITES:
        suite = SUITES[name]
        try:
            counts = suite.run()
        except Failed as error:
            print(f"conformance: {suite.title}: {error}", file=sys.stderr)
            failed = True
            continue
        if (counts["run"], counts["bad"], counts["skipped"]) != (suite.tests, 0, 0):
            print(f"conformance: {suite.title}: {counts}, where {suite.tests} tests should pass", file=sys.stderr)
            failed = True
            continue
        print(f"conformance: {suite.title}: {suite.tests} of {suite.tests} passed")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
