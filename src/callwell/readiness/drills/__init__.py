# SPDX-License-Identifier: Apache-2.0
"""Drills: a program does real work while its emulated provider refuses, fails or rotates the key.

`stage` starts the emulator and points accounts at it. A drill runs the user's own program (`program`) or a course that
is made from the provider's description (`course`), and judges it by what the emulator has recorded.
"""
