# SPDX-License-Identifier: Apache-2.0
"""The deciding code: values in, values out. Nothing here reads a clock, rolls dice, waits or talks to anyone."""
