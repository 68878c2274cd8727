# SPDX-License-Identifier: Apache-2.0
"""Finds every place of secrets in bytes, hundreds of secrets at once.

Kingfisher takes 1.3 ms for each place that it reports, and half a second to start. So it reports each secret once, for
files and history together, and the other places are found here.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.known_keys.digest_matcher import decode_base64
from callwell.readiness.known_keys.forms import SEXTET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DENSE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~+/=-")
"""The bytes that nearly all secrets consist of. Most texts have few runs of them that are as long as a secret."""

HEAD_BYTES: Final = 6
"""Bytes of a secret that are searched for by a pattern: to compile one of 500 whole secrets takes 0.2 s."""

IN_RUN: Final = b"x"
OUTSIDE: Final = b" "
RUNS: Final = bytes(IN_RUN[0] if code in DENSE else OUTSIDE[0] for code in range(256))


class Occurrence(NamedTuple):
    """A place of a secret.

    Attributes:
        secret: the secret.
        offset: of its first byte in `text`.
        text: what it was found in: the bytes that were looked at, or what a part of them stands for in base64.
        place: where that part begins in the bytes; the offset itself if nothing was decoded.
    """

    secret: bytes
    offset: int
    text: bytes
    place: int


class SecretFinder:
    """Finds secrets.

    Args:
        secrets: their bytes.
    """

    def __init__(self, secrets: Iterable[bytes]) -> None:
        unique = sorted(set(secrets) - {b""})
        self._others = [secret for secret in unique if not DENSE.issuperset(secret)]
        dense = [secret for secret in unique if DENSE.issuperset(secret)]
        self._by_head = _group_by_head(dense)
        self._pattern = re.compile(b"(?=(%s))" % _one_of(list(self._by_head)))
        self._shortest = IN_RUN * min(map(len, dense), default=0)
        least = min(map(len, unique), default=0)
        self._encoded = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % -(-8 * least // SEXTET))

    def find(self, data: bytes) -> Iterator[Occurrence]:
        """Every place of a secret; of those that begin at one byte the longest.

        Args:
            data: the bytes to look at.
        """
        yield from (Occurrence(secret, offset, data, offset) for secret, offset in self._find(data))
        for found in self._encoded.finditer(data):
            for text in decode_base64(found[0]):
                for secret, offset in self._find(text):
                    yield Occurrence(secret, offset, text, found.start())

    def _find(self, data: bytes) -> Iterator[tuple[bytes, int]]:
        for start, end in self._runs(data):
            for found in self._pattern.finditer(data, start, end):
                offset = found.start()
                fits = (secret for secret in self._by_head[found[1]] if data.startswith(secret, offset, end))
                for secret in itertools.islice(fits, 1):
                    yield secret, offset
        for secret in self._others:
            offset = -1
            while (offset := data.find(secret, offset + 1)) >= 0:
                yield secret, offset

    def _runs(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where runs begin and end that are long enough for a secret."""
        if not self._shortest:
            return
        text = data.translate(RUNS) + OUTSIDE
        end = 0
        while (start := text.find(self._shortest, end)) >= 0:
            end = text.index(OUTSIDE, start)
            yield start, end


def _group_by_head(secrets: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    """The secrets that may begin where a head is, the longest first."""
    by_head: dict[bytes, list[bytes]] = {}
    for secret in sorted(secrets, key=len, reverse=True):
        by_head.setdefault(secret[:HEAD_BYTES], []).append(secret)
    short = [head for head in by_head if len(head) < HEAD_BYTES]
    for head, fitting in by_head.items():
        fitting.extend(other for other in short if other != head and head.startswith(other))
    return by_head


def _one_of(secrets: list[bytes]) -> bytes:
    """A pattern of many texts, by their first two bytes: the engine tries each branch that it is given."""
    by_start: dict[int, dict[int, list[bytes]]] = {}
    for secret in secrets:
        second = secret[1] if len(secret) > 1 else -1
        by_start.setdefault(secret[0], {}).setdefault(second, []).append(secret[2:])
    branches = []
    for first, by_second in by_start.items():
        ends = (_start(second) + _longest_first(rest) for second, rest in sorted(by_second.items(), reverse=True))
        branches.append(b"%s(?:%s)" % (re.escape(bytes([first])), b"|".join(ends)))
    return b"|".join(branches)


def _start(second: int) -> bytes:
    return re.escape(bytes([second])) if second >= 0 else b""


def _longest_first(texts: list[bytes]) -> bytes:
    return b"(?:%s)" % b"|".join(map(re.escape, sorted(texts, key=len, reverse=True)))
