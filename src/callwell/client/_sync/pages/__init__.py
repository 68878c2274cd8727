# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/pages/__init__.py by tools/unasync.py; do not edit
"""Walks over the pages of a list."""
