# SPDX-License-Identifier: Apache-2.0
"""The git history of a project: every object once, as a stream, and the commit that added it."""
