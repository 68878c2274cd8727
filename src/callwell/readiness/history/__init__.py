# SPDX-License-Identifier: Apache-2.0
"""The history of a project in git: every object once, as a stream, and the commit that brought it."""
