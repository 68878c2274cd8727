# SPDX-License-Identifier: Apache-2.0
"""The synchronous side: generated from the rooms of `client` by `tools/unasync.py`, in the same rooms; never edited."""
