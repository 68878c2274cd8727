# SPDX-License-Identifier: Apache-2.0
"""What a program can observe of its calls, without secrets."""
