# SPDX-License-Identifier: Apache-2.0
"""Userplane's public API, played from its documentation."""
