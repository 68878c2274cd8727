# SPDX-License-Identifier: Apache-2.0
"""Pseudonyms of end users."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from callwell.core.pseudonym import pseudonym

SECRET = b"0123456789abcdef"
ids = st.text(min_size=1)
names = st.text("abcdefgh_", min_size=1)
secrets = st.binary(min_size=16, max_size=64)


@given(secret=secrets, provider=names, user=ids)
def test_a_pseudonym_is_a_uuid_that_stays_the_same(secret: bytes, provider: str, user: str) -> None:
    """Of version 4, made of nothing but its three ingredients."""
    text = pseudonym(secret, provider, user)
    assert (str(UUID(text)), UUID(text).version, UUID(text).variant) == (text, 4, "specified in RFC 4122")
    assert pseudonym(secret, provider, user) == text


@given(one=st.tuples(secrets, names, ids), other=st.tuples(secrets, names, ids))
def test_other_ingredients_give_another(one: tuple[bytes, str, str], other: tuple[bytes, str, str]) -> None:
    """Another secret, provider or user; also where two of them could run into each other."""
    if (one[0].rstrip(b"\0"), *one[1:]) != (other[0].rstrip(b"\0"), *other[1:]):  # as HMAC pads a key
        assert pseudonym(*one) != pseudonym(*other)
    assert pseudonym(SECRET, "ab", "c") != pseudonym(SECRET, "a", "bc")


def test_it_never_changes() -> None:
    """A pseudonym never changes between versions of Callwell: else users would be billed twice."""
    assert pseudonym(SECRET, "acme", "ann") == "2d151172-17aa-4fc3-bba0-afb5dabd58ad"
