# SPDX-License-Identifier: Apache-2.0
"""Walks over the pages of a list."""
