# SPDX-License-Identifier: Apache-2.0
"""Imports a document: reads the facts to infer a profile from, and compares it with the previous document."""
