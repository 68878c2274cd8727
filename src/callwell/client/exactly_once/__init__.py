# SPDX-License-Identifier: Apache-2.0
"""Exactly-once calls: recorded before they are sent, and settled afterwards."""
