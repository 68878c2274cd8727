# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/tokens/__init__.py by tools/unasync.py; do not edit
"""Short-lived tokens that are obtained with a key."""
