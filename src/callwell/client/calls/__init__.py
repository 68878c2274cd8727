# SPDX-License-Identifier: Apache-2.0
"""One call: its options, its request, the loop that carries it out, its response and its errors."""
