# SPDX-License-Identifier: Apache-2.0
"""Our rules follow from the profiles, and find keys as they stand in files."""

from __future__ import annotations

import re

import msgspec
import pytest

from callwell.description import catalog
from callwell.readiness.shapes.rules import PREFIX, SECRET, is_distinctive, make_rules, pattern_of
from tests.readiness.made_history import fake_key

PROVIDERS = tuple(map(catalog.load, catalog.bundled_names()))
PATTERNS = {rule["id"]: re.compile(rule["pattern"]) for rule in make_rules(PROVIDERS)}
PLAIN = fake_key(1, prefix="")


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("userplane", 'key = "{}"'),
        ("userplane", "Authorization: Bearer {}\\r\\n"),
        ("userplane", "curl -H 'authorization: Bearer {}'"),
        ("apivideo", "APIVIDEO_API_KEY={}"),
        ("apivideo", "APIVIDEO_SANDBOX_API_KEY: {}"),
        ("apivideo", 'apiVideoKey := "{}"'),
        ("language_confidence", '"languageConfidence": {{"apiKey": 1}}, "language-confidence-key": "{}"'),
        ("language_confidence", "x-rapidapi-key: {}"),
        ("secret-by-name", "client_secret = '{}'"),
        ("secret-by-name", "PASSWORD={}"),
        ("secret-by-name", "<key>ClientSecret</key>\n  <string>{}</string>"),
        ("secret-by-name", "- name: CLIENT_SECRET\n  value: '{}'"),
        ("secret-by-name", '{{"name": "CLIENT_SECRET", "value": "{}"}}'),
        ("apivideo", '<string name="apivideo_api_key">{}</string>'),
        ("apivideo", 'buildConfigField("String", "APIVIDEO_API_KEY", "\\"{}\\"")'),
        ("apivideo", "apivideo.api.key={}"),
        ("apivideo", "apivideoApiKey: {}"),
        ("apivideo", 'variable "apivideo_api_key" {{\n  type    = string\n  default = "{}"\n}}'),
    ],
)
def test_a_key_is_found(rule: str, line: str) -> None:
    """By its pattern or by the name before it, up to its last character."""
    key = fake_key(2) if rule == "userplane" else PLAIN
    found = PATTERNS[PREFIX + rule].search(line.format(key))
    assert found is not None
    assert found[1] == key


@pytest.mark.parametrize(
    "line",
    [
        'api_key = os.environ["A_LONG_NAME_OF_A_VARIABLE"]',
        "token = make_a_new_token_for_the_user(name)",
        'secret = config.get("a.long.name.of.a.setting")',
        "password = short",
        "integrity = " + PLAIN,
    ],
)
def test_code_is_no_key(line: str) -> None:
    """A call, a place in a dictionary and a short word are not values."""
    assert PATTERNS[SECRET].search(line) is None


@pytest.mark.parametrize(
    ("pattern", "telling"),
    [
        (r"uspl_\S+", True),
        (r"sk_(?:live|test)_[0-9a-zA-Z]{24}", True),
        (r"\S+", False),
        (r"[0-9a-f]{32}", False),
        (r"[0-9A-Za-z_-]{40,}", False),
        (r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", False),
        (r"(?i)abc_\w+", False),
        (r"abc_(\w)\1", False),
        (r"abc_\w+$", False),
    ],
)
def test_which_patterns_tell_a_key(pattern: str, *, telling: bool) -> None:
    """One that a hash or a UUID matches does not, nor one that kingfisher would read in another way."""
    assert is_distinctive(pattern) is telling


def test_rules_do_not_depend_on_order() -> None:
    """The same providers give the same rules, which kingfisher has compiled already; one of yours gets its own."""
    assert make_rules(PROVIDERS) == make_rules((*reversed(PROVIDERS), *PROVIDERS))
    key = msgspec.structs.replace(PROVIDERS[-1].profile.key, pattern=r"acme-[0-9A-Z]{30}")
    profile = msgspec.structs.replace(PROVIDERS[-1].profile, name="acme", title="Acme", key=key)
    acme = msgspec.structs.replace(PROVIDERS[-1], name="acme", profile=profile)
    assert pattern_of(acme) == r"\b(acme-[0-9A-Z]{30})"
    assert [rule["id"] for rule in make_rules([acme])] == ["callwell.acme", SECRET]
