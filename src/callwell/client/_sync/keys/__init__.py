# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/keys/__init__.py by tools/unasync.py; do not edit
"""The keys that a client holds: which one to use, rotation, and when each was used."""
