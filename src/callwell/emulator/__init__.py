# SPDX-License-Identifier: Apache-2.0
"""The providers, emulated on this machine: real HTTP, faults on demand, a clock, and a ledger of all requests.

Nothing here shares code with the client, so that client and emulator cannot share a mistake.
"""
