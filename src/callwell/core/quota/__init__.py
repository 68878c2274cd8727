# SPDX-License-Identifier: Apache-2.0
"""Quotas as permits: what is decided about them. The theorem is in `permits`, the record of an account in `record`."""
