# SPDX-License-Identifier: Apache-2.0
"""Descriptions of providers become rule records and typed methods.

`openapi` reads the structure, `profile` the behaviour, `provider` holds both together, `generate` writes typed clients.
"""
