# SPDX-License-Identifier: Apache-2.0
"""The keys that a client holds: which one to use, rotation, and when each was used."""
