# SPDX-License-Identifier: Apache-2.0
"""The records that a provider's profile fills in."""
