# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/quota/__init__.py by tools/unasync.py; do not edit
"""Permits of an account: acquired before a request, released after it, and learning from responses."""
