# SPDX-License-Identifier: Apache-2.0
"""A body that is nested too deeply is refused like any other unreadable one, and is not a failure of the emulator."""

from __future__ import annotations

import pytest

from callwell.emulator.apivideo.fields import parse_attributes
from callwell.emulator.apivideo.replies import ApiVideoError
from callwell.emulator.errors import InvalidInput
from callwell.emulator.fault_rules import parse_rules
from callwell.emulator.language_confidence.request_schema import parse_body

DEEP = b"[" * 100_000


def test_providers_refuse_it() -> None:
    """With the response that each has for JSON that cannot be read."""
    with pytest.raises(ApiVideoError):
        parse_attributes(DEEP, {})
    _, [problem] = parse_body(DEEP, {})
    assert problem.type == "json_invalid"


def test_the_control_port_refuses_it() -> None:
    """With a sentence."""
    with pytest.raises(InvalidInput, match="faults must be a JSON list"):
        parse_rules(b'[{"operation":' * 100_000)
