# SPDX-License-Identifier: Apache-2.0
"""Drills: a program does real work while its emulated provider refuses, fails or rotates the key.

`setup` starts the emulator and points accounts at it. A drill runs the user's own program (`program`), or a workload
generated from the provider's description (`workload`), and judges it by the requests that the emulator recorded.
"""
