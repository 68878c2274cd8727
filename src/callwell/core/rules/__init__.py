# SPDX-License-Identifier: Apache-2.0
"""The records of a provider's profile, which code reads and `profile.toml` fills in.

The modules here do not import `annotations` from `__future__`. msgspec reads the types of all fields when the first
description is loaded, and would then have to compile 200 strings: 5 ms, a twentieth of the time to a first client.
"""
