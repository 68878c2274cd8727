# SPDX-License-Identifier: Apache-2.0
"""Short-lived tokens that are obtained with a key."""
