# SPDX-License-Identifier: Apache-2.0
"""Searches bytes for known keys.

Nearly all files hold no key, so one quick question comes first: can a key be here at all? For it, text is normalized:
all that may interrupt a key is dropped, and what may be written in two ways is made equal. A key in any form and any
view leaves its normalized core in the normalized text, so a string without all cores has no key. Only the forms of the
others are searched for with patterns, view by view.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.known_keys.forms import make_forms
from callwell.readiness.known_keys.known_key import KeyHit
from callwell.readiness.known_keys.views import make_views, undo_escapes
from callwell.readiness.substrings import Substrings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from callwell.keys import Key
    from callwell.readiness.known_keys.forms import KeyForm
    from callwell.readiness.known_keys.known_key import KnownKey

DROPPED: Final = b"\0\t\n\r \"'`\\+-"
"""What may interrupt a key: the bytes of wide characters, line ends with their indentation, quotes and signs of joined
literals. The minus is the plus of the other base64 alphabet."""

EQUIVALENTS: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_", b"abcdefghijklmnopqrstuvwxyz/")
"""Hexadecimal digits in either case, and the slash of both base64 alphabets."""

SHORTEST_CORE: Final = 4
"""Bytes of a normalized core that are worth a search: a shorter one is nearly everywhere."""


class SearchedForm(NamedTuple):
    """One form of one key to search for.

    Attributes:
        key: what a report may say of the key.
        form: the form.
        core: the normalized core of the form.
    """

    key: KnownKey
    form: KeyForm
    core: bytes


class TextMatcher:
    """Searches bytes for known keys; a `KeyMatcher`.

    Args:
        keys: the keys with their texts.

    Attributes:
        longest: bytes of the longest key; 0 if there is none to search for.
    """

    def __init__(self, keys: Iterable[tuple[KnownKey, Key]]) -> None:
        secrets = [(known, encode_key(key)) for known, key in keys]
        self.longest = max((len(secret) for _, secret in secrets), default=0)
        wanted = [
            SearchedForm(key=known, form=form, core=normalize_text(form.core))
            for known, secret in secrets
            for form in make_forms(secret)
        ]
        self._anywhere = [one for one in wanted if len(one.core) < SHORTEST_CORE]
        self._by_core = [one for one in wanted if len(one.core) >= SHORTEST_CORE]
        self._cores = Substrings([one.core for one in self._by_core])

    def find(self, data: bytes) -> Iterator[KeyHit]:
        """Every key in some bytes, each place once."""
        suspects = self._find_suspects(data)
        if not suspects:
            return
        seen = set()
        for view in make_views(data):
            for wanted in suspects:
                for found in re.finditer(wanted.form.pattern, view.text):
                    place = (wanted.key, view.locate(found.start()))
                    if place not in seen:
                        seen.add(place)
                        encoding = f"{wanted.form.name}, {view.how}" if view.how else wanted.form.name
                        yield KeyHit(*place, encoding=encoding)

    def _find_suspects(self, data: bytes) -> list[SearchedForm]:
        """What may be in some bytes: all that is, and hardly anything else."""
        texts = [normalize_text(data)]
        narrow = data.translate(None, b"\0") if b"\0" in data else data
        texts.extend(normalize_text(text) for text in undo_escapes(narrow))
        numbers = {found.number for text in texts for found in self._cores.find(text)}
        return [*self._anywhere, *(self._by_core[number] for number in sorted(numbers))]


def normalize_text(text: bytes) -> bytes:
    """A string without all that may interrupt a key, and with equal signs for what may be written in two ways."""
    return text.translate(EQUIVALENTS, DROPPED)


def encode_key(key: Key) -> bytes:
    """The bytes of a key, as `Key.fingerprint` takes them."""
    return key.reveal().encode("utf-8", "surrogatepass")
