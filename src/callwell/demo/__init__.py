# SPDX-License-Identifier: Apache-2.0
"""The main job against the embedded emulator, under faults, counted from outside."""
