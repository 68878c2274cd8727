# SPDX-License-Identifier: Apache-2.0
"""Writes a small project with the faults that the check before going live looks for, and its fixed copy.

It is a small web service: FastAPI, a front end, Compose, a Dockerfile, a notebook, a CI file. Every problem is one
that real projects have, and each key is made when the files are written.
"""

from __future__ import annotations

import os
import secrets
import shutil
import string
import subprocess
import time
import wave
from typing import TYPE_CHECKING, Final

from callwell.client.config import ClientConfig
from callwell.clock import ScaledClock, monotonic
from callwell.demo.sample_files import DOCUMENT, FAULTY, FIXED
from callwell.description import catalog
from callwell.keys import Key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from callwell.client import ClientOptions
    from callwell.description.provider import Provider

NAME: Final = "shop"
"""The folder of the project; what must not be in it is next to it."""

SAMPLES: Final = "samples"
"""The folder with a recording, for `--samples`."""

KEY_CHARACTERS: Final = 40
OPEN_MODE: Final = 0o644
OWN_MODE: Final = 0o600

OPEN: Final = "config/"
OWN: Final = "../secrets/"
"""The folders of keys, in the tree and next to it."""

AUTHOR: Final = (
    *("-c", "user.name=Shop", "-c", "user.email=shop@example.com"),
    *("-c", "commit.gpgsign=false", "-c", "core.hooksPath="),
)
"""Settings of the one commit, whatever the user has set."""

EMULATOR: Final = "http://127.0.0.1:8100"
"""The address that the faulty project still calls."""

DAY_S: Final = 86_400.0
OLD_DAYS: Final = 120
IDLE_DAYS: Final = 45
"""Days since the first and the last use of the faulty project.s key: longer than providers and good practice allow."""

SECONDS: Final = 20
PERIOD: Final = 80
"""Samples of one wave of the tone in the recording."""


class _Template(string.Template):
    """A file with `%{name}` in it."""

    delimiter = "%"


def write_sample(folder: Path, *, fixed: bool = False) -> Path:
    """Write the project.

    Args:
        folder: an existing folder for it, and for the secrets next to it.
        fixed: whether without its faults, and with other keys.

    Returns:
        the project's folder.
    """
    project = folder / NAME
    state = folder.resolve() / "state" / "state.db"
    names = dict(_names()) | {"state": str(state), "state_folder": str(state.parent)}
    texts = (FIXED if fixed else FAULTY) | {"apis/warehouse/openapi.json": DOCUMENT}
    for name, text in texts.items():
        file = (folder / name.removeprefix("../")) if name.startswith("../") else project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_Template(text).substitute(names), encoding="utf-8")
        if name.startswith((OPEN, OWN)):
            file.chmod(OWN_MODE if name.startswith(OWN) else OPEN_MODE)
    _write_recording(project / SAMPLES / "speech.wav", rate=16_000 if fixed else 48_000)
    _record_key_use(state, names["main"], Key(names["main_key"]), faulty=not fixed)
    _commit(project)
    return project


def _record_key_use(state: Path, provider: str, key: Key, *, faulty: bool) -> None:
    """Record in the state that a key is old and idle, or that it is new.

    Args:
        state: the state's file.
        provider: the provider.
        key: the key.
        faulty: it was made long ago, and not used lately.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    days = (OLD_DAYS, IDLE_DAYS) if faulty else (0,)
    for ago in days:
        clock = ScaledClock(1.0, monotonic(), time.time() - ago * DAY_S)
        options: ClientOptions = {"key": key, "state": f"sqlite:///{state}", "clock": clock}
        if faulty:
            options["base_url"] = EMULATOR
        config = ClientConfig.from_options(catalog.load(provider), options)
        config.key_uses().record_accepted(key.fingerprint, "file:config/main.key")
        config.close()


def _commit(project: Path) -> None:
    """Put all files into a new repository; without git on this machine, there is none."""
    git = shutil.which("git")
    if git is None:
        return
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for words in (("init", "--quiet"), ("add", "--all"), (*AUTHOR, "commit", "--quiet", "--message", "Open the shop")):
        subprocess.run([git, *words], cwd=project, check=True, env=environ)  # noqa: S603 - our own words


def _names() -> Iterator[tuple[str, str]]:
    """What the texts leave open: names and addresses of providers by what they are like, and new keys."""
    providers = [catalog.load(name) for name in catalog.bundled_names()]
    main = next(provider for provider in providers if _prefix(provider))
    speech = next(provider for provider in providers if _plans(provider))
    video, trial = next((provider, trial) for provider in providers if (trial := _trial(provider)))
    signed_list, signed_field = next(_signed_fields(main))
    yield from {"main": main.name, "speech": speech.name, "video": video.name, "trial": trial}.items()
    yield "main_address", main.environment().base_url
    yield "main_variable", main.profile.key.env
    yield "speech_variable", speech.profile.key.env
    yield "trial_variable", video.in_environment(trial).profile.key.env
    yield "main_prefix", main.name.upper()
    yield "video_prefix", video.name.upper()
    yield "speech_live", speech.environment().name
    yield "video_live", video.environment().name
    yield "emulator", EMULATOR
    yield "plan", _plans(speech)[0]
    yield "signed_list", signed_list
    yield "signed_field", signed_field
    yield "code", next(iter(main.profile.errors.codes))
    yield "assess", next(name for name, rule in speech.profile.operations.items() if rule.audio)
    yield "main_key", f"{_prefix(main)}{_new_key()}"
    for name in ("speech_key", "video_key", "warehouse_key", "user_secret"):
        yield name, _new_key()


def _new_key() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(KEY_CHARACTERS))


def _prefix(provider: Provider) -> str:
    """The text with which all keys of a provider begin; empty if there is none."""
    return str(provider.profile.key.pattern or "").partition("\\")[0]


def _plans(provider: Provider) -> tuple[str, ...]:
    rule = provider.profile.end_user
    return () if rule is None else rule.required_on


def _trial(provider: Provider) -> str:
    """The provider's environment for trials; empty if it has none with keys of its own."""
    rules = provider.profile.environments
    return next((name for name, rule in rules.items() if rule.sandbox and rule.env), "")


def _signed_fields(provider: Provider) -> Iterator[tuple[str, str]]:
    for name, rule in provider.profile.operations.items():
        yield from ((name, field) for field in rule.signed)


def _write_recording(file: Path, *, rate: int) -> None:
    """Write a tone as WAV with 16 bit, mono."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = PERIOD // 2
    with wave.open(str(file), "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes((b"\x00\x20" * half + b"\x00\xe0" * half) * (rate * SECONDS // PERIOD))
