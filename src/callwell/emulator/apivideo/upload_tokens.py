# SPDX-License-Identifier: Apache-2.0
"""Delegated upload tokens, with or without an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import AttributeRule, integer_between
from callwell.emulator.apivideo.pages import page_reply, sort_rows
from callwell.emulator.apivideo.records import UploadTokenRecord, format_time
from callwell.emulator.apivideo.replies import api_error, success_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

# As the description says: the largest signed 32-bit number.
MAX_TTL_S: Final = 2_147_483_647
CREATION: Final = {"ttl": AttributeRule(integer_between(0, MAX_TTL_S))}
SORT_KEYS: Final[Mapping[str, Callable[[UploadTokenRecord], Any]]] = {
    "createdAt": lambda token: token.created,
    "ttl": lambda token: token.ttl,
}


def create_token(call: ApiVideoCall) -> Reply:
    """Create a token."""
    token = UploadTokenRecord(call.account.new_id("to"), call.wall_s, call.parse_body(CREATION).get("ttl", 0))
    call.account.tokens[token.id] = token
    return success_reply(_token_json(token), effect=True)


def list_tokens(call: ApiVideoCall) -> Reply:
    """Return the tokens that are alive."""
    alive = [token for token in call.account.tokens.values() if token.is_alive(call.wall_s)]
    return page_reply(call, sort_rows(call, alive, SORT_KEYS, default="createdAt"), _token_json)


def get_token(call: ApiVideoCall) -> Reply:
    """Return one token."""
    return success_reply(_token_json(_find_live_token(call)))


def delete_token(call: ApiVideoCall) -> Reply:
    """Delete a token."""
    del call.account.tokens[_find_live_token(call).id]
    return success_reply(status=204, effect=True)


def _find_live_token(call: ApiVideoCall) -> UploadTokenRecord:
    token: UploadTokenRecord = call.find_in(call.account.tokens, "uploadToken")
    if not token.is_alive(call.wall_s):
        raise api_error("resource-not-found", "uploadToken")
    return token


def _token_json(token: UploadTokenRecord) -> dict[str, Any]:
    expires = token.created + token.ttl if token.ttl else None
    return {
        "token": token.id,
        "ttl": token.ttl,
        "createdAt": format_time(token.created),
        "expiresAt": format_time(expires),
    }
