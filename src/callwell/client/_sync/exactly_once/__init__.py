# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/exactly_once/__init__.py by tools/unasync.py; do not edit
"""Exactly-once calls: recorded before they are sent, and settled afterwards."""
