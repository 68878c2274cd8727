# SPDX-License-Identifier: Apache-2.0
"""Descriptions become the code of typed clients."""
