# SPDX-License-Identifier: Apache-2.0
"""Real work against the embedded emulator, which fails on purpose; the results are counted from outside."""
