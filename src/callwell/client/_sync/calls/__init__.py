# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/calls/__init__.py by tools/unasync.py; do not edit
"""One call: its options, its request, the loop that carries it out, its response and its errors."""
