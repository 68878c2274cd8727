# SPDX-License-Identifier: Apache-2.0
"""Turns the records of a description into the code of typed clients.

`client_code` writes the classes of a client, `annotations` names its types, `layout` breaks its lines, and `generate`
writes the clients of the bundled providers.
"""
