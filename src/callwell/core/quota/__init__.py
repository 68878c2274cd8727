# SPDX-License-Identifier: Apache-2.0
"""Quotas as permits: the pure part."""
