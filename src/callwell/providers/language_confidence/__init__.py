# SPDX-License-Identifier: Apache-2.0
"""Userplane: recordings of what users see, by link."""
