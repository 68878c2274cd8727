# SPDX-License-Identifier: Apache-2.0
"""Records of a description become the code of typed clients.

`client_code` lays a client out, `annotations` names its types, `layout` breaks its lines, and `generate` writes the
clients of the bundled providers.
"""
