# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/quota/__init__.py by tools/unasync.py; do not edit
"""Permits of an account: taken before a request, returned after it, and what answers teach about them."""
