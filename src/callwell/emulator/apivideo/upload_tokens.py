# SPDX-License-Identifier: Apache-2.0
"""Delegated upload tokens, with or without an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import Field, within
from callwell.emulator.apivideo.pages import answer, ordered
from callwell.emulator.apivideo.records import UploadToken, iso
from callwell.emulator.apivideo.replies import refuse, success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

LONGEST_S: Final = 2_147_483_647
CREATION: Final = {"ttl": Field(within(0, LONGEST_S))}
ORDERS: Final[Mapping[str, Callable[[UploadToken], Any]]] = {
    "createdAt": lambda token: token.created,
    "ttl": lambda token: token.ttl,
}


def create_token(call: Call) -> Reply:
    """One more token."""
    token = UploadToken(call.account.new_id("to"), call.wall, call.body(CREATION).get("ttl", 0))
    call.account.tokens[token.id] = token
    return success(_shown(token), effect=True)


def list_tokens(call: Call) -> Reply:
    """All tokens that are alive."""
    alive = [token for token in call.account.tokens.values() if token.alive(call.wall)]
    return answer(call, ordered(call, alive, ORDERS, default="createdAt"), _shown)


def get_token(call: Call) -> Reply:
    """One token."""
    return success(_shown(_alive(call)))


def delete_token(call: Call) -> Reply:
    """End one."""
    del call.account.tokens[_alive(call).id]
    return success(status=204, effect=True)


def _alive(call: Call) -> UploadToken:
    token: UploadToken = call.named(call.account.tokens, "uploadToken")
    if not token.alive(call.wall):
        raise refuse("resource-not-found", "uploadToken")
    return token


def _shown(token: UploadToken) -> dict[str, Any]:
    shown = {"token": token.id, "ttl": token.ttl, "createdAt": iso(token.created)}
    return shown | {"expiresAt": iso(token.created + token.ttl) if token.ttl else None}
