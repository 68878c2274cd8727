# SPDX-License-Identifier: Apache-2.0
"""Large files that are sent in pieces."""
