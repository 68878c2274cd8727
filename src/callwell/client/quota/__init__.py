# SPDX-License-Identifier: Apache-2.0
"""Permits of an account: taken before a request, returned after it, and what answers teach about them."""
