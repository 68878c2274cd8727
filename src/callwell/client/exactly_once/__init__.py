# SPDX-License-Identifier: Apache-2.0
"""Calls that are made exactly once: written down before they are sent, and settled afterwards."""
