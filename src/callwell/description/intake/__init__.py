# SPDX-License-Identifier: Apache-2.0
"""A document comes in: it becomes facts to infer a profile from, and is compared with the one that was there before."""
