# SPDX-License-Identifier: Apache-2.0
"""Lists of statuses in code, and which of them say that a request is wrong."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from callwell.readiness.code.values import Values

FIRST_FAILURE: Final = 400
"""The first status that is an error."""

CLIENT_ERRORS: Final = frozenset(range(FIRST_FAILURE, 500))

TRANSIENT: Final = frozenset({408, 425, 429})
"""Statuses below 500 after which the same request may succeed later (RFC 9110, RFC 8470, RFC 6585)."""


def wrong_statuses(values: Values, node: ast.expr) -> set[int]:
    """The statuses in a list, tuple, set or range that mean an invalid request.

    Args:
        values: what expressions of the module may be.
        node: an expression for the list.
    """
    found: set[int] = set()
    for origin in values.origins(node):
        match origin:
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                found |= {part.value for part in parts if isinstance(part, ast.Constant) and type(part.value) is int}
            case ast.Call(
                func=ast.Name(id="range"), args=[ast.Constant(value=int(start)), ast.Constant(value=int(end))]
            ):
                found |= set(range(start, end)) & CLIENT_ERRORS
            case ast.Call(func=ast.Name(id="set" | "frozenset" | "list" | "tuple"), args=[inner]):
                found |= wrong_statuses(values, inner)
    return (found & CLIENT_ERRORS) - TRANSIENT


def is_status(node: ast.expr) -> bool:
    """Whether an expression is the status of a response.

    Args:
        node: the expression.
    """
    return isinstance(node, ast.Attribute) and node.attr in ("status_code", "status")
