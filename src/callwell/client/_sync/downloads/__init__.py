# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/downloads/__init__.py by tools/unasync.py; do not edit
"""Files behind signed URLs: asked for, fetched, resumed and saved whole."""
