# SPDX-License-Identifier: Apache-2.0
"""The forms of a key in a text: plain, in base64 at each phase, in hexadecimal.

The base64 of a text that contains a key depends on where in a group of three bytes the key begins: its phase. Only some
bits of the characters at both ends belong to the key. A form's pattern matches exactly those bits, so that a key that
differs in one bit does not match.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.readiness.known_keys.base64_text import decode_base64

if TYPE_CHECKING:
    from collections.abc import Iterator

ALPHABET: Final = tuple(
    [bytes([code]) for code in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"] + [b"+-", b"/_"]
)
"""Value → characters, in both alphabets of RFC 4648 (4 and 5), which differ in the last two values."""

ESCAPED: Final = tuple(map(re.escape, ALPHABET))

SEXTET: Final = 6
"""How many bits a character of base64 encodes."""

PHASES: Final = 3


FOR_URLS: Final = bytes.maketrans(b"+/", b"-_")
"""From the standard alphabet of base64 to the one for URLs (RFC 4648, 4 and 5)."""

ENCODED: Final = re.compile(rb"[A-Za-z0-9+/_-]+")

MAX_BEFORE: Final = 4096
"""Characters before a match that are decoded with it: a multiple of four."""

MIN_INNER: Final = 12
"""Characters of base64 that say enough of a key: 9 bytes of it."""


class KeyForm(NamedTuple):
    """One form of a key.

    Attributes:
        name: the end of a sentence about a match.
        pattern: matches the form, and nothing else; rarely needed, so compiled late.
        core: text that every match contains, whatever its base64 alphabet and the case of its hexadecimal digits.
        inner: what the decoded text matches if the key is in it; empty if the pattern alone is exact.
    """

    name: str
    pattern: bytes
    core: bytes
    inner: bytes = b""

    def is_at(self, text: bytes, start: int) -> bool:
        """Whether a match of the pattern is the key. A key in base64 in base64 is decoded once, to see all its bits.

        Args:
            text: the text with the match.
            start: where the match begins.
        """
        if not self.inner:
            return True
        before = ENCODED.match(text[:start][-MAX_BEFORE:][::-1])
        run = ENCODED.match(text, start - (before.end() if before else 0))
        return run is not None and any(re.search(self.inner, inner) for inner in decode_base64(run[0]))


def make_forms(secret: bytes) -> tuple[KeyForm, ...]:
    """All forms of a key.

    Args:
        secret: the bytes of the key.
    """
    digits = secret.hex().encode()
    return (
        KeyForm(name="as it is", pattern=re.escape(secret), core=secret),
        *(make_base64_form(secret, phase) for phase in range(PHASES)),
        *_twice_encoded(secret),
        KeyForm(name="in hexadecimal", pattern=b"(?i:%s)" % digits, core=digits),
    )


def _twice_encoded(secret: bytes) -> Iterator[KeyForm]:
    """The forms of a key in base64 in base64. Of the inner text only what has bits of the key alone is looked for."""
    exact = b"|".join(make_base64_form(secret, phase).pattern for phase in range(PHASES))
    inner = {base64_core(secret, phase) for phase in range(PHASES)}
    inner |= {core.translate(FOR_URLS) for core in inner}
    for core in sorted(inner):
        if len(core) >= MIN_INNER:
            for phase in range(PHASES):
                yield make_base64_form(core, phase)._replace(name="in base64, twice", inner=exact)


def make_base64_form(secret: bytes, phase: int) -> KeyForm:
    """The form of a key inside a longer base64 text.

    Args:
        secret: the bytes of the key.
        phase: how many bytes of a group of three precede the key: 0, 1 or 2.
    """
    bits = int.from_bytes(secret, "big")
    start = 8 * phase
    end = start + 8 * len(secret)
    pattern = []
    for place in range(start - start % SEXTET, end, SEXTET):
        first = max(place, start)
        last = min(place + SEXTET, end)
        mask = (1 << (last - first)) - 1
        wanted = bits >> (end - last) & mask
        before = 1 << (first - place)
        after = 1 << (place + SEXTET - last)
        values = [(high * (mask + 1) | wanted) * after | low for high in range(before) for low in range(after)]
        pattern.append(b"[" + b"".join(ESCAPED[value] for value in values) + b"]")
    return KeyForm(name="in base64", pattern=b"".join(pattern), core=base64_core(secret, phase))


def base64_core(secret: bytes, phase: int) -> bytes:
    """The base64 characters that encode bits of the key alone, in the alphabet with plus and slash.

    Args:
        secret: the bytes of the key.
        phase: as in `make_base64_form`.
    """
    padded = bytes(phase) + secret
    return base64.b64encode(padded)[-(-8 * phase // SEXTET) : 8 * len(padded) // SEXTET]
