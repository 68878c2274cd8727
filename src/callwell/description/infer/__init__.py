# SPDX-License-Identifier: Apache-2.0
"""What an OpenAPI document lets one infer about a provider's behaviour: pure, and each finding with its reason.

The facts of the document come in one record (`facts`). Each part of a profile is inferred in a file of its own, and
`inference` puts the parts together into a profile that is valid for the document, whatever the document.
"""
