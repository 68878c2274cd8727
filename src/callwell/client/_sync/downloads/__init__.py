# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/downloads/__init__.py by tools/unasync.py; do not edit
"""Downloads files behind signed URLs: renews the URLs, resumes, and saves only complete files."""
