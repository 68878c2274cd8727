# SPDX-License-Identifier: Apache-2.0
"""A key's text shows nowhere."""

from __future__ import annotations

import copy
import logging
import pickle
import pprint
import traceback
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "acme_very_secret"

SHOWN: dict[str, Callable[[Key], object]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "f-string": lambda key: f"{key} {key!r} {key!s} {key!a}",
    "percent": lambda key: "%s %r" % (key, key),  # noqa: UP031 - it is one of the ways
    "pprint": pprint.pformat,
    "list": lambda key: str([key, {"key": key}]),
    "fingerprint": lambda key: key.fingerprint,
    "hash": hash,
    "bool": bool,
    "dir": lambda key: [str(getattr(key, name)) for name in dir(key) if name.startswith("__")],
}

REFUSED: dict[str, Callable[[Key], object]] = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": lambda key: copy.deepcopy({"a": key}),
    "vars": vars,
    "json": msgspec.json.encode,
    "iteration": list,  # type: ignore[dict-item] # it is refused
    "length": len,  # type: ignore[dict-item] # it is refused
    "format": lambda key: f"{key:>40}",
    "addition": lambda key: "Bearer " + key,  # type: ignore[operator] # it is refused
}


@pytest.mark.parametrize("way", SHOWN)
def test_it_does_not_show(way: str) -> None:
    """Whatever makes a string of a key makes one without its text."""
    assert SECRET not in str(SHOWN[way](Key(SECRET)))


@pytest.mark.parametrize("way", REFUSED)
def test_it_is_not_taken_along(way: str) -> None:
    """What would copy the text is refused, without the text in the message."""
    with pytest.raises(TypeError) as caught:
        REFUSED[way](Key(SECRET))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_logging_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    """Neither as an argument nor in an exception."""
    log = logging.getLogger("a.program")
    try:
        raise ValueError(Key(SECRET))
    except ValueError:
        log.exception("failed with %s", Key(SECRET))
    assert "Key(" in caplog.text
    assert SECRET not in caplog.text


def test_keys_are_the_same_by_their_text() -> None:
    """White space around a key is not part of it; an empty one is false."""
    assert Key(f" {SECRET}\n") == Key(SECRET)
    assert hash(Key(SECRET)) == hash(Key(f"{SECRET} "))
    assert Key(SECRET) != Key("other")
    assert Key(SECRET) != SECRET
    assert Key(SECRET).reveal() == SECRET
    assert bool(Key(SECRET))
    assert not Key(" \n")


@given(st.text())
def test_any_text_can_be_a_key(text: str) -> None:
    """Also what no provider takes, and half characters from an environment variable that is not UTF-8."""
    key: Any = Key(text)
    assert key.reveal() == text.strip()
    assert len(key.fingerprint) == 12
    assert Key("\udcff").fingerprint != Key("\udcfe").fingerprint
