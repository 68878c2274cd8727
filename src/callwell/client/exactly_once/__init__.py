# SPDX-License-Identifier: Apache-2.0
"""Calls that are made exactly once: recorded before they are sent, and settled afterwards."""
