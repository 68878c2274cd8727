# SPDX-License-Identifier: Apache-2.0
"""The user's own code: calls that go around Callwell, and habits that the providers warn of."""
