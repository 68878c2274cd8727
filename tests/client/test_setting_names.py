# SPDX-License-Identifier: Apache-2.0
"""The names of settings stand in one table, and agree with the options of a client and with the page about them."""

from __future__ import annotations

import re

from callwell import ClientOptions
from callwell.cli.flags import ClientFlags
from callwell.client.settings import GLOBAL_SETTINGS, SETTINGS
from tests.structure.tree import ROOT

PAGE = ROOT / "docs" / "how" / "configuration.md"


def test_every_setting_is_an_option_of_a_client() -> None:
    """Each row names a keyword argument of `ClientOptions`, and no two rows the same."""
    keywords = [row.keyword for row in SETTINGS.values()]
    assert set(keywords) <= ClientOptions.__annotations__.keys()
    assert len(set(keywords)) == len(keywords)


def test_every_flag_of_the_table_is_an_option_of_commands() -> None:
    """Each setting with a command-line option is a field of `ClientFlags`."""
    assert {name for name, row in SETTINGS.items() if row.flag} <= set(ClientFlags.__dataclass_fields__)


def test_the_page_names_every_option_and_setting() -> None:
    """The page about configuration has each option of a client, and the settings for all providers in one list."""
    text = PAGE.read_text(encoding="utf-8")
    words = set(re.findall(r"`([a-z0-9_]+)`", text))
    assert ClientOptions.__annotations__.keys() - words == set()
    listed = ", ".join(f"`{name}`" for name in GLOBAL_SETTINGS)
    assert listed in " ".join(text.split())
