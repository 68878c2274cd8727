# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/quota/leases/__init__.py by tools/unasync.py; do not edit
"""Permits of an account in a shared state: what this process holds, and the thread that exchanges permits."""
