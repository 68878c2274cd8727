# SPDX-License-Identifier: Apache-2.0
"""Userplane's public API, emulated from its documentation (docs.userplane.io)."""
