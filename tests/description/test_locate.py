# SPDX-License-Identifier: Apache-2.0
"""The line of a key is found."""

from __future__ import annotations

import json
import tomllib

import pytest

from callwell import providers
from callwell.description.locate import json_line, toml_line

TOML = '''\
# a = 0
a = 1
b.c = "x # y"
d = { e = 1, f.g = [1,
    2, { h = 3 }] }
s = """
[not]
a = 1 \\""" "" """
"q \\u0041" = 1
t = \'\'\'
it''s\'\'\'
[x."y.z".'w'] # [no]
k = [
    "a", # c ]
    'b',
]
[[l]]
n = 1
[l.sub]
m = 1
[[l]]
n = 2
[l.sub]
m = 2
[ z ]
last = 1979-05-27
'''

JSON = """\
{
  "a": [1,
    {"b": "c,d{",
      "e": []}, 3],
  "f": {"g": {}, "\\u0041": true},
  "h": [[1],
    [2]]
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a", 2),
        ("b", 3),
        ("b/c", 3),
        ("d/e", 4),
        ("d/f/g", 4),
        ("d/f/g/0", 4),
        ("d/f/g/1", 5),
        ("d/f/g/2/h", 5),
        ("s", 6),
        ("q A", 9),
        ("t", 10),
        ("x", 12),
        ("x/y.z/w", 12),
        ("x/y.z/w/k", 13),
        ("x/y.z/w/k/1", 15),
        ("l", 17),
        ("l/0/n", 18),
        ("l/0/sub/m", 20),
        ("l/1/n", 22),
        ("l/1/sub/m", 24),
        ("z/last", 26),
        ("z/none", 25),
        ("d/f/none/deep", 4),
        ("none", None),
    ],
)
def test_toml(path: str, line: int | None) -> None:
    """A key has its own line; a missing one has the line of the table around it."""
    tomllib.loads(TOML)
    assert toml_line(TOML, tuple(path.split("/"))) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a", 2),
        ("a/0", 2),
        ("a/1", 3),
        ("a/1/b", 3),
        ("a/1/e", 4),
        ("a/2", 4),
        ("f/g", 5),
        ("f/A", 5),
        ("f/none", 5),
        ("h/0/0", 6),
        ("h/1/0", 7),
        ("none", None),
    ],
)
def test_json(path: str, line: int | None) -> None:
    """The same for JSON."""
    json.loads(JSON)
    assert json_line(JSON, tuple(path.split("/"))) == line


@pytest.mark.parametrize("text", ["", "=", "[", "a = [", "a = {", 'a = "', "[[", "a =", "]]", "\x00", "a = [,]"])
def test_broken_toml_ends(text: str) -> None:
    """The search ends in a string that is not TOML."""
    assert toml_line(text, ("none",)) is None


def test_every_key_of_the_bundled_profiles() -> None:
    """Every key is found, on a line that names it."""
    for name in providers.names():
        text = (providers.FOLDER / name / "profile.toml").read_text(encoding="utf-8")
        for path in _paths(tomllib.loads(text), ()):
            line = toml_line(text, path)
            assert line is not None, path
            assert path[-1] in text.splitlines()[line - 1], path


def _paths(table: dict[str, object], path: tuple[str, ...]) -> list[tuple[str, ...]]:
    inner = [(key, value) for key, value in table.items() if isinstance(value, dict)]
    return [(*path, key) for key in table] + [item for key, value in inner for item in _paths(value, (*path, key))]
