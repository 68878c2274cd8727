# SPDX-License-Identifier: Apache-2.0
"""All places of many secrets are found, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callwell.readiness.shapes.secret_finder import SecretFinder

PARTS = st.sampled_from([b"ab", b"b", b"a", b"a-", b" ", b"\n", b"\xff", b"ba*"])
TEXTS = st.lists(PARTS, max_size=12).map(b"".join)


@given(secrets=st.lists(TEXTS, max_size=5), text=TEXTS)
def test_every_place(secrets: list[bytes], text: bytes) -> None:
    """Where several begin at one byte, the longest is among them."""
    wanted = {}
    for secret in sorted(set(secrets) - {b""}, key=len):
        starts = (start for start in range(len(text)) if text.startswith(secret, start))
        wanted.update(dict.fromkeys(starts, secret))
    plain = [one for one in SecretFinder(secrets).find(text) if one.text is text]
    assert all(text.startswith(one.secret, one.offset) for one in plain)
    assert set(wanted.items()) <= {(one.offset, one.secret) for one in plain}
