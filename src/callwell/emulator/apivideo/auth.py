# SPDX-License-Identifier: Apache-2.0
"""The two operations that issue bearer tokens.

They read JSON whatever the Content-Type: the official uploader for browsers sends it as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.emulator.apivideo.fields import AttributeRule, check_text
from callwell.emulator.apivideo.replies import api_error, success_reply

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

BY_KEY: Final = {"apiKey": AttributeRule(check_text, required=True)}
BY_TOKEN: Final = {"refreshToken": AttributeRule(check_text, required=True)}


def authenticate(call: ApiVideoCall) -> Reply:
    """Issue tokens for a key."""
    key = call.parse_body(BY_KEY)["apiKey"]
    if call.tokens.keys.rejection(key) is not None:
        raise api_error("authentication-invalid-user-credentials", "")
    return success_reply(call.tokens.issue(key, call.options.token_life_s))


def refresh(call: ApiVideoCall) -> Reply:
    """Issue new tokens for a refresh token, which is used up."""
    key = call.tokens.redeem_refresh_token(call.parse_body(BY_TOKEN)["refreshToken"])
    if key is None and call.options.refresh_status == 401:  # noqa: PLR2004 - as the error pages say
        raise api_error("authentication-invalid-refresh-token")
    if key is None:
        raise api_error("authentication-invalid-user-credentials", "")
    return success_reply(call.tokens.issue(key, call.options.token_life_s))
