# SPDX-License-Identifier: Apache-2.0
"""A type of content that cannot be read is another one than described."""

from __future__ import annotations

import pytest
from pyreqwest.http import HeaderMap

from callwell.client.calls import gateways
from callwell.transport.headers import ResponseHeaders


@pytest.mark.parametrize("value", ["text/html; charset=\xe9", "\xe9", "text/plain"])
def test_a_type_that_cannot_be_read_is_not_the_described_one(value: str) -> None:
    """Whoever sent it, a creation is not taken for done by it."""
    assert gateways.is_undescribed_type(ResponseHeaders(HeaderMap([("content-type", value)])), b"hello")


def test_an_answer_without_a_type_may_be_the_described_one() -> None:
    """Nothing is said, so that the body decides."""
    assert not gateways.is_undescribed_type(ResponseHeaders(HeaderMap([])), b"hello")
