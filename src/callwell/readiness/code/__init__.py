# SPDX-License-Identifier: Apache-2.0
"""What the checks of code look at: the user's Python and front end, each file read and parsed once for all checks."""
