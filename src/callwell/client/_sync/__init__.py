# SPDX-License-Identifier: Apache-2.0
# Generated from _async/__init__.py by tools/unasync.py; do not edit
"""The asynchronous side, written by hand."""
