# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/uploads/__init__.py by tools/unasync.py; do not edit
"""Large files that are sent in pieces."""
