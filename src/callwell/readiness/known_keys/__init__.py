# SPDX-License-Identifier: Apache-2.0
"""Exact match: finds the keys in use in any bytes, whatever they look like, and nothing else.

A key is searched for in plain text, in base64 at each of its three phases (both alphabets), and in hexadecimal; each
of these also URL-encoded, escaped as in JSON, in UTF-16, and split over lines. `views` undoes the latter, `forms`
describes the former. `text_matcher` searches with the keys themselves, `digest_matcher` with their digests alone; both
give the same answer.
"""
