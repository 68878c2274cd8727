# SPDX-License-Identifier: Apache-2.0
"""Permits of an account: acquired before a request, released after it, and learning from responses."""
