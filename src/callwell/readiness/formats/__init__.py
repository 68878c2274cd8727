# SPDX-License-Identifier: Apache-2.0
"""A report as text: for programs, for CI servers, and as a page to print. The terminal's is in `cli`."""
