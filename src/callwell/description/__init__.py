# SPDX-License-Identifier: Apache-2.0
"""Turns the descriptions of providers into records.

`openapi` reads the operations, `profile` reads the behaviour and checks both against each other, `provider` joins them,
and `catalog` finds the description that a name or a path means. Typed clients are made of the records by `codegen`.
"""
