# SPDX-License-Identifier: Apache-2.0
"""The asynchronous side, written by hand."""
