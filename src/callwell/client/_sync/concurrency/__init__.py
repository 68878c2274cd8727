# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/concurrency/__init__.py by tools/unasync.py; do not edit
"""What the asynchronous and the synchronous side cannot share, and concurrent workers."""
