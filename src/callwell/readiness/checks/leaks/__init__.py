# SPDX-License-Identifier: Apache-2.0
"""Keys where others can read them: in the project's files, its git history, build outputs and logs."""
