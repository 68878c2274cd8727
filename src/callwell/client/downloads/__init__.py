# SPDX-License-Identifier: Apache-2.0
"""Downloads files behind signed URLs: renews the URLs, resumes, and saves only complete files."""
