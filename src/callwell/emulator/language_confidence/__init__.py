# SPDX-License-Identifier: Apache-2.0
"""Language Confidence, played: speech is assessed by what it is, and never by anybody who listens."""
