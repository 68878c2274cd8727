# SPDX-License-Identifier: Apache-2.0
"""Searches bytes for keys that are known only by their keyed digests.

The search digests each window of a key's length, in every view of the bytes and in everything that decodes from base64
or hexadecimal there. Only runs of the key's kinds of characters can have such windows, and most files have few. A
window with the right digest is the key itself: the search by text continues with it, so both searches find the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.keys import Key
from callwell.readiness.known_keys.base64_text import decode_base64
from callwell.readiness.known_keys.digests import digest_of
from callwell.readiness.known_keys.forms import SEXTET
from callwell.readiness.known_keys.text_matcher import TextMatcher
from callwell.readiness.known_keys.views import make_views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Decode = Callable[[bytes], Iterator[bytes]]
    """Decodes a run of characters in every possible way."""

    Search = Callable[[Decode | None, bytes], Iterator[bytes]]
    """Finds the keys in a run."""

    from callwell.readiness.known_keys.digests import KeyDigest, KeyDigests
    from callwell.readiness.known_keys.known_key import KeyHit

BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
MAX_REMEMBERED: Final = 32 << 20
"""How many bytes of runs are cached, with the keys found in them."""

HEXADECIMAL: Final = b"0123456789abcdefABCDEF"


class RunFinder:
    """Finds runs of an alphabet's characters: translation and search take a nanosecond per byte.

    Args:
        alphabet: the characters.
        length: the length of the shortest run.
    """

    def __init__(self, alphabet: bytes, length: int) -> None:
        self._table = bytes(b"x"[0] if code in alphabet else b" "[0] for code in range(256))
        self._shortest = b"x" * length

    def find(self, text: bytes) -> Iterator[bytes]:
        """All maximal runs in a text."""
        map_of_text = text.translate(self._table) + b" "
        end = 0
        while (start := map_of_text.find(self._shortest, end)) >= 0:
            end = map_of_text.index(b" ", start)
            yield text[start:end]


class DigestMatcher:
    """Searches bytes for keys by their digests; a `KeyMatcher`.

    Args:
        digests: the digests.

    Attributes:
        longest: the length of the longest key in bytes; 0 if there are no keys.
    """

    def __init__(self, digests: KeyDigests) -> None:
        self._salt = bytes.fromhex(digests.salt)
        self._groups: dict[tuple[int, bytes], dict[bytes, KeyDigest]] = {}
        for row in digests.keys:
            group = self._groups.setdefault((row.length, bytes.fromhex(row.alphabet)), {})
            group.setdefault(bytes.fromhex(row.digest), row)
        self._finders = {group: RunFinder(group[1], group[0]) for group in self._groups}
        lengths = [row.length for row in digests.keys]
        self.longest = max(lengths, default=0)
        shortest = min(lengths, default=1)
        self._any_runs = RunFinder(b"".join(alphabet for _, alphabet in self._groups), shortest)
        self._encoded_runs = (
            (RunFinder(BASE64, -(-8 * shortest // SEXTET)), decode_base64),
            (RunFinder(HEXADECIMAL, 2 * shortest), decode_hexadecimal),
        )
        self._recovered: dict[bytes, TextMatcher] = {}
        self._searched: dict[tuple[object, bytes], frozenset[bytes]] = {}
        self._searched_bytes = 0

    def find(self, data: bytes) -> Iterator[KeyHit]:
        """Every key in some bytes, each place once."""
        if not self._groups:
            return
        secrets: set[bytes] = set()
        for view in make_views(data):
            secrets |= self._keys_in_text(view.text)
            for finder, decode in self._encoded_runs:
                for run in finder.find(view.text):
                    secrets |= self._search_once(self._keys_in_encoded, decode, run)
        for secret in sorted(secrets):
            yield from self._recovered[secret].find(data)

    def _keys_in_text(self, text: bytes) -> set[bytes]:
        """The keys in a text that is not encoded."""
        return {
            secret for run in self._any_runs.find(text) for secret in self._search_once(self._keys_in_run, None, run)
        }

    def _search_once(self, search: Search, decode: Decode | None, run: bytes) -> frozenset[bytes]:
        """Search each distinct run once: views hardly differ, and neither do the versions of a file."""
        cache_key = (decode, run)
        if cache_key not in self._searched:
            if self._searched_bytes > MAX_REMEMBERED:
                self._searched.clear()
                self._searched_bytes = 0
            self._searched[cache_key] = frozenset(search(decode, run))
            self._searched_bytes += len(run)
        return self._searched[cache_key]

    def _keys_in_encoded(self, decode: Decode | None, run: bytes) -> Iterator[bytes]:
        finder, decode_again = self._encoded_runs[0]
        for text in decode(run) if decode is not None else ():
            yield from self._keys_in_text(text)
            for inner in finder.find(text):
                for deeper in decode_again(inner):
                    yield from self._keys_in_text(deeper)

    def _keys_in_run(self, _: Decode | None, run: bytes) -> Iterator[bytes]:
        for group, rows in self._groups.items():
            length = group[0]
            for part in self._finders[group].find(run):
                for start in range(len(part) - length + 1):
                    window = part[start : start + length]
                    row = rows.get(digest_of(window, self._salt))
                    if row is not None:
                        self._recover(window, row)
                        yield window

    def _recover(self, secret: bytes, row: KeyDigest) -> None:
        if secret not in self._recovered:
            self._recovered[secret] = TextMatcher([(row.known_key, Key(secret.decode("utf-8", "surrogatepass")))])


def decode_hexadecimal(run: bytes) -> Iterator[bytes]:
    """Decode hexadecimal digits, for both digits at which the first pair may begin."""
    for start in (0, 1):
        part = run[start:]
        yield bytes.fromhex(part[: len(part) & ~1].decode())
