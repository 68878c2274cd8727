# SPDX-License-Identifier: Apache-2.0
"""The code that checks examine: the user's Python and front end, each file read and parsed once for all checks."""
