# SPDX-License-Identifier: Apache-2.0
"""Drills against the emulator, with the user's own configuration and, if given, the user's own program."""
