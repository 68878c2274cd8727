# SPDX-License-Identifier: Apache-2.0
"""One provider for all tests of recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.media import provider

if TYPE_CHECKING:
    from callwell.description.provider import Provider


@pytest.fixture(scope="session")
def ear(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """A provider that takes recordings."""
    return provider.ear(tmp_path_factory.mktemp("ear") / "ear")
