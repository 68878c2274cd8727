# SPDX-License-Identifier: Apache-2.0
"""Language Confidence, emulated: audio is really decoded and checked, scores are seeded random numbers."""
