# SPDX-License-Identifier: Apache-2.0
"""A repository with planted keys and look-alikes, always the same for the same seed.

All keys are made here, by chance, in the shape of real ones. None has ever been issued. Every planted value stands in a
line of its own, so that a line that a tool reports says what it has found.
"""

from __future__ import annotations

import base64
import json
import random
import string
import subprocess
import uuid
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMITS: Final = 2_000
KEYS: Final = 500
LOOK_ALIKES: Final = 5_000
SHAPES_IN_USE: Final = 4
"""Shapes of the keys in use, which are those of the bundled providers."""

FILES: Final = 400
"""Files of the newest commit."""

LINES: Final = 250
"""Lines of ordinary text that a file begins with."""

START: Final = 1_700_000_000
"""The time of the first commit, in seconds since 1970."""

HOUR_S: Final = 3_600
"""From one commit to the next."""

ALPHANUMERIC: Final = string.ascii_letters + string.digits
BASE64: Final = ALPHANUMERIC + "+/"
HEX: Final = string.digits + "abcdef"
UPPER: Final = string.ascii_uppercase + "234567"

WORDS: Final = (
    *("account", "batch", "client", "deadline", "event", "field", "group", "header", "index", "journal", "keep"),
    *("limit", "message", "number", "order", "page", "query", "record", "server", "table", "update", "value", "window"),
)
SUFFIXES: Final = ("py", "js", "md", "yaml", "toml")


def pick(dice: random.Random, length: int, letters: str = ALPHANUMERIC) -> str:
    """A string of letters by chance."""
    return "".join(dice.choices(letters, k=length))


SHAPES: Final[dict[str, tuple[str, Callable[[random.Random], str]]]] = {
    "userplane": ("USERPLANE_API_KEY", lambda dice: f"uspl_{pick(dice, 40)}"),
    "apivideo": ("APIVIDEO_API_KEY", lambda dice: pick(dice, 43)),
    "language_confidence": ("LANGUAGE_CONFIDENCE_API_KEY", lambda dice: pick(dice, 32)),
    "rapidapi": ("RAPIDAPI_KEY", lambda dice: pick(dice, 50, string.ascii_lowercase + string.digits)),
    "aws": ("aws_access_key_id", lambda dice: f"AKIA{pick(dice, 16, UPPER)}"),
    "github": ("GITHUB_TOKEN", lambda dice: f"ghp_{pick(dice, 36)}"),
    "gitlab": ("GITLAB_TOKEN", lambda dice: f"glpat-{pick(dice, 20)}"),
    "stripe": ("STRIPE_SECRET", lambda dice: f"sk_live_{pick(dice, 24)}"),
    "slack": (
        "SLACK_TOKEN",
        lambda dice: f"xoxb-{pick(dice, 12, string.digits)}-{pick(dice, 12, string.digits)}-{pick(dice, 24)}",
    ),
    "google": ("GOOGLE_API_KEY", lambda dice: f"AIza{pick(dice, 35)}"),
    "sendgrid": ("SENDGRID_API_KEY", lambda dice: f"SG.{pick(dice, 22)}.{pick(dice, 43)}"),
    "generic": ("client_secret", lambda dice: pick(dice, 40)),
}
"""Shape → the name that such a key usually has, and how to make one."""

FORMS: Final[tuple[Callable[[str], str], ...]] = (
    lambda key: base64.b64encode(f"{key}:".encode()).decode(),
    lambda key: base64.b64encode(f"u{key}:".encode()).decode(),
    lambda key: base64.b64encode(f"id{key}:".encode()).decode(),
    lambda key: quote(f"/{key}=&", safe=""),
    lambda key: json.dumps(json.dumps({"key": key, "end": "\u00e9"})),
)
"""How a key in use may be written besides as it is: base64 at each of its phases, in a URL, in JSON within JSON."""

LOOKS: Final[tuple[Callable[[random.Random], str], ...]] = (
    lambda dice: f'REQUEST_ID = "{uuid.UUID(int=dice.getrandbits(128), version=4)}"',
    lambda dice: f'"commit": "{pick(dice, 40, HEX)}",',
    lambda dice: f"sha256sum: {pick(dice, 64, HEX)}",
    lambda dice: f'"integrity": "sha512-{pick(dice, 86, BASE64)}==",',
    lambda dice: f"    --hash=sha256:{pick(dice, 64, HEX)} \\",
    lambda dice: f"![dot](data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA{pick(dice, 200, BASE64)}==)",
    lambda dice: f'api_key = "your-api-key-{dice.randrange(10_000)}-here"',
    lambda dice: f"API_KEY=<the key of project {dice.randrange(100_000)}>",
    lambda dice: f'token = os.environ["{pick(dice, 8, string.ascii_uppercase)}_TOKEN"]',
    lambda dice: f'secret = "{"xX0*"[dice.randrange(4)] * dice.randrange(16, 60)}{pick(dice, 3, "xX0*")}"',
    lambda dice: f"api_key: ${{{{ secrets.{pick(dice, 12, string.ascii_uppercase)} }}}}",
    lambda dice: f'client_secret = config.get("{pick(dice, 14, string.ascii_lowercase)}.secret")',
    lambda dice: f"key = EXAMPLE_{pick(dice, 8, string.ascii_uppercase)}_DO_NOT_USE_EXAMPLE_KEY",
    lambda dice: f'ETag: W/"{pick(dice, 32, HEX)}"',
    lambda dice: f'{{"cursor": "{base64.b64encode(f"page={dice.randrange(10**9)}&order=new".encode()).decode()}"}}',
    lambda dice: f"PUBLIC_KEY_FINGERPRINT = SHA256:{pick(dice, 43, BASE64)}",
    lambda dice: f'revision = "{pick(dice, 12, HEX)}"  # migration',
    lambda dice: f"build-{dice.randrange(10**6)}-{pick(dice, 7, HEX)}.tar.gz",
    lambda dice: f"docker pull registry.example/app@sha256:{pick(dice, 64, HEX)}",
    lambda dice: f"uspl_{dice.choice(WORDS)}_{dice.choice(WORDS)}_{dice.randrange(10_000)} = None",
)
"""What looks like a key and is none, each in a line."""


class Planted(NamedTuple):
    """What stands in a line.

    Attributes:
        shape: a shape of `SHAPES`, or empty for a look-alike.
        value: the key; the whole line for a look-alike.
        in_use: the key is one of those that the project uses.
    """

    shape: str
    value: str
    in_use: bool = False


class Repository(NamedTuple):
    """A repository that was made.

    Attributes:
        folder: where it is.
        lines: what was planted, by its line without the space around it.
        paths: the file of each of these lines.
        keys_in_use: the keys that the project uses.
    """

    folder: Path
    lines: dict[str, Planted]
    paths: dict[str, str]
    keys_in_use: tuple[str, ...]


def plant(dice: random.Random) -> tuple[dict[str, Planted], tuple[str, ...]]:
    """Make all lines to plant, and the keys in use: two of each of the first shapes, each of them in every form."""
    lines: dict[str, Planted] = {}
    in_use = []
    for number in range(KEYS):
        shape = list(SHAPES)[number % len(SHAPES)]
        name, make = SHAPES[shape]
        key = make(dice)
        used = number < 2 * len(SHAPES) and number % len(SHAPES) < SHAPES_IN_USE
        lines[_assign(dice, name, key)] = Planted(shape, key, used)
        if used:
            in_use.append(key)
            lines |= {f"sent: {encode(key)}": Planted(shape, key, in_use=True) for encode in FORMS}
    for number in range(LOOK_ALIKES):
        line = LOOKS[number % len(LOOKS)](dice).strip()
        lines[line] = Planted("", line)
    return lines, tuple(in_use)


def make_repository(folder: Path, seed: int, commits: int = COMMITS) -> Repository:
    """Make the repository with `git fast-import`.

    Every commit adds its share of the lines to one or two files. Half of the lines before them go in time, when lines
    that come later take their place: they are in the history alone.

    Args:
        folder: an empty folder.
        seed: of everything that is left to chance.
        commits: how many.
    """
    dice = random.Random(seed)  # noqa: S311 - planted keys must be the same each time
    lines, in_use = plant(dice)
    waiting = list(lines)
    dice.shuffle(waiting)
    share = -(-len(waiting) // commits)
    text = {_name(number): [_ordinary(dice) for _ in range(LINES)] for number in range(FILES)}
    paths: dict[str, str] = {}
    stream = bytearray()
    for number in range(commits):
        names = dice.sample(list(text), 2)
        before = set(paths)
        for line in waiting[number * share : (number + 1) * share]:
            paths[line] = dice.choice(names)
            _replace_or_insert(dice, text[paths[line]], line, before)
        stream += _write_commit(number, {name: text[name] for name in (names if number else text)})
    _git(folder, "init", "--quiet", "--initial-branch", "main")
    _git(folder, "fast-import", "--quiet", stdin=bytes(stream))
    _git(folder, "reset", "--quiet", "--hard")
    return Repository(folder, lines, paths, in_use)


def make_project(folder: Path, seed: int, files: int) -> None:
    """Make a project without a history, a key or a fault.

    Args:
        folder: an empty folder.
        seed: of everything that is left to chance.
        files: how many.
    """
    dice = random.Random(seed)  # noqa: S311 - the same each time
    for number in range(files):
        path = folder / _name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(_ordinary(dice) for _ in range(LINES)), encoding="utf-8")


def _name(number: int) -> str:
    return f"src/part{number % 20}/file{number}.{SUFFIXES[number % len(SUFFIXES)]}"


def _ordinary(dice: random.Random) -> str:
    """A line without anything to find."""
    return f"{dice.choice(WORDS)}_{dice.choice(WORDS)} = {dice.choice(WORDS)}({dice.randrange(1000)})"


def _assign(dice: random.Random, name: str, key: str) -> str:
    """A line that gives a key its name, as in one of the usual kinds of files."""
    return dice.choice((f'{name} = "{key}"', f"{name}={key}", f'"{name}": "{key}",', f"export {name}='{key}'"))


def _replace_or_insert(dice: random.Random, text: list[str], line: str, before: set[str]) -> None:
    """Put a line into a text: half of the times in place of one that an earlier commit has planted, if there is one."""
    old = [position for position, row in enumerate(text) if row in before]
    if old and dice.random() < 0.5:  # noqa: PLR2004 - half
        text[dice.choice(old)] = line
    else:
        text.insert(dice.randrange(len(text)), line)


def _write_commit(number: int, files: dict[str, list[str]]) -> bytes:
    """A commit as `git fast-import` reads it; it follows the one before it on the same branch."""
    written = [f"commit refs/heads/main\ncommitter Bench <bench@localhost> {START + number * HOUR_S} +0000\n".encode()]
    written.append(b"data 6\nchange\n")
    for name, lines in files.items():
        data = ("\n".join(lines) + "\n").encode()
        written.append(f"M 100644 inline {name}\ndata {len(data)}\n".encode() + data + b"\n")
    return b"".join(written)


def _git(folder: Path, *words: str, stdin: bytes = b"") -> None:
    subprocess.run(["git", "-C", str(folder), *words], input=stdin, check=True)  # noqa: S607 - git of the path
