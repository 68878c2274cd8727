# SPDX-License-Identifier: Apache-2.0
"""The two operations that hand out bearer tokens; they read JSON whatever its type is said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callwell.emulator.apivideo.fields import Field, is_text
from callwell.emulator.apivideo.replies import refuse, success

if TYPE_CHECKING:
    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

BY_KEY: Final = {"apiKey": Field(is_text, required=True)}
BY_TOKEN: Final = {"refreshToken": Field(is_text, required=True)}


def authenticate(call: Call) -> Reply:
    """Tokens for a key."""
    key = call.body(BY_KEY)["apiKey"]
    if call.tokens.keys.refusal(key) is not None:
        raise refuse("authentication-invalid-user-credentials", "")
    return success(call.tokens.hand_out(key, call.options.token_life_s))


def refresh(call: Call) -> Reply:
    """New tokens for a refresh token, which is used up."""
    key = call.tokens.use_up(call.body(BY_TOKEN)["refreshToken"])
    if key is None and call.options.refresh_status == 401:  # noqa: PLR2004 - as the error pages have it
        raise refuse("authentication-invalid-refresh-token")
    if key is None:
        raise refuse("authentication-invalid-user-credentials", "")
    return success(call.tokens.hand_out(key, call.options.token_life_s))
