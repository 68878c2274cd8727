# SPDX-License-Identifier: Apache-2.0
"""The records of a provider's profile, which code reads and `profile.toml` fills in."""
