# SPDX-License-Identifier: Apache-2.0
"""Keys where others can read them: in the tree, its history, what a build ships, logs."""
