# SPDX-License-Identifier: Apache-2.0
"""The checks, one file each, in the folder of their group."""
