# SPDX-License-Identifier: Apache-2.0
"""The providers played for real, with faults on demand, a clock of their own and a ledger of all that arrived.

Nothing here shares code with what calls the providers: client and emulator must not share a mistake.
"""
