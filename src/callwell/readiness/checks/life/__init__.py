# SPDX-License-Identifier: Apache-2.0
"""Configuration and life: environments, deadlines, state, end users, media, clock, TLS."""
