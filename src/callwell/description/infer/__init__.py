# SPDX-License-Identifier: Apache-2.0
"""Infers a provider's behavior from its OpenAPI document: pure functions, and a reason for each inference.

`facts` collects the facts of the document in one record. Each part of a profile is inferred in its own file, and
`inference` combines the parts into a profile that is always valid for the document.
"""
