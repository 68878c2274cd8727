# SPDX-License-Identifier: Apache-2.0
"""Loads documents: a file becomes one OpenAPI 3 document in memory.

openapi.json ─┐                 ┌─ swagger: 2.0 ─> translate ─┐
              ├─ read_document ─┤                             ├─> one document of OpenAPI 3
openapi.yaml ─┘        │        └─ 3.0, 3.1, 3.2 ─────────────┘
                       └─ files beside it that it refers to become parts of it (`external`)
"""
