# SPDX-License-Identifier: Apache-2.0
"""Permits of an account in a shared state: what this process holds, and the thread that exchanges permits."""
