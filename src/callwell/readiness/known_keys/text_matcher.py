# SPDX-License-Identifier: Apache-2.0
"""Searches bytes for known keys.

Nearly no file contains a key, so a fast test comes first: can there be a key at all? The test normalizes the text: it
drops everything that may interrupt a key, and unifies characters that have two spellings. A key in any form and any
view leaves its normalized core in the normalized text, so a text without any core has no key. Only forms whose core is
there are searched for with patterns, view by view.
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
"""Bytes that may interrupt a key: NULs of wide characters, line breaks and indentation, quotes and operators between
joined literals. The minus is dropped with the plus, its counterpart in the other base64 alphabet."""

EQUIVALENTS: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_", b"abcdefghijklmnopqrstuvwxyz/")
"""Unifies the case of hexadecimal digits, and the slash of both base64 alphabets."""

SHORTEST_CORE: Final = 4
"""The length of the shortest normalized core that is searched for, in bytes; shorter ones are nearly everywhere."""


class SearchedForm(NamedTuple):
    """One form of one key to search for.

    Attributes:
        key: the key, for reports.
        form: the form.
        core: the normalized core of the form.
    """

    key: KnownKey
    form: KeyForm
    core: bytes


class TextMatcher:
    """Searches bytes for known keys; a `KeyMatcher`.

    Args:
        keys: the keys with their text.

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
                    if place not in seen and wanted.form.is_at(view.text, found.start()):
                        seen.add(place)
                        encoding = f"{wanted.form.name}, {view.undone}" if view.undone else wanted.form.name
                        yield KeyHit(*place, encoding=encoding)

    def _find_suspects(self, data: bytes) -> list[SearchedForm]:
        """The forms that some bytes may contain: all that they do contain, and hardly any other."""
        texts = [normalize_text(data)]
        narrow = data.translate(None, b"\0") if b"\0" in data else data
        texts.extend(normalize_text(text) for text in undo_escapes(narrow))
        numbers = {found.number for text in texts for found in self._cores.find(text)}
        return [*self._anywhere, *(self._by_core[number] for number in sorted(numbers))]


def normalize_text(text: bytes) -> bytes:
    """Normalize a text: drop what may interrupt a key, and unify characters with two spellings."""
    return text.translate(EQUIVALENTS, DROPPED)


def encode_key(key: Key) -> bytes:
    """The bytes of a key, as `Key.fingerprint` takes them."""
    return key.reveal().encode("utf-8", "surrogatepass")
