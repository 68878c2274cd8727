# SPDX-License-Identifier: Apache-2.0
"""Player themes: colours, behaviour, and a logo with a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import AttributeRule, check_flag, check_text, text_up_to
from callwell.emulator.apivideo.pages import page_reply, sort_rows
from callwell.emulator.apivideo.records import PlayerRecord, format_time
from callwell.emulator.apivideo.replies import success_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

# As the description says.
MAX_LOGO_BYTES: Final = 100 << 10
COLOURS: Final = {
    "text": "rgba(255, 255, 255, 1)",
    "link": "rgba(255, 255, 255, 1)",
    "linkHover": "rgba(255, 255, 255, .75)",
    "linkActive": "rgba(255, 255, 255, .75)",
    "trackPlayed": "rgba(255, 255, 255, 1)",
    "trackUnplayed": "rgba(255, 255, 255, .1)",
    "trackBackground": "rgba(0, 0, 0, 0)",
    "backgroundTop": "rgba(0, 0, 0, 1)",
    "backgroundBottom": "rgba(0, 0, 0, 1)",
    "backgroundText": "rgba(255, 255, 255, 1)",
}
FLAGS: Final = {
    "enableApi": True,
    "enableControls": True,
    "forceAutoplay": False,
    "hideTitle": False,
    "forceLoop": False,
}
TABLE: Final = {
    "name": AttributeRule(text_up_to(100)),
    **dict.fromkeys(COLOURS, AttributeRule(check_text)),
    **dict.fromkeys(FLAGS, AttributeRule(check_flag)),
}
SORT_KEYS: Final[Mapping[str, Callable[[PlayerRecord], Any]]] = {
    "name": lambda player: player.attributes["name"],
    "createdAt": lambda player: player.created,
    "updatedAt": lambda player: player.updated,
}


def create_player(call: ApiVideoCall) -> Reply:
    """Create a theme; every attribute has a default."""
    attributes = {"name": "", **COLOURS, **FLAGS, **call.parse_body(TABLE)}
    player = PlayerRecord(id=call.account.new_id("pl"), created=call.wall_s, updated=call.wall_s, attributes=attributes)
    call.account.players[player.id] = player
    return success_reply(_player_json(call, player), 201, effect=True)


def list_players(call: ApiVideoCall) -> Reply:
    """Return all themes."""
    rows = sort_rows(call, list(call.account.players.values()), SORT_KEYS, default="createdAt")
    return page_reply(call, rows, lambda player: _player_json(call, player))


def get_player(call: ApiVideoCall) -> Reply:
    """Return one theme."""
    return success_reply(_player_json(call, _find_player(call)))


def update_player(call: ApiVideoCall) -> Reply:
    """Change the attributes that the body names."""
    player = _find_player(call)
    player.attributes |= call.parse_body(TABLE)
    player.updated = call.wall_s
    return success_reply(_player_json(call, player), effect=True)


def delete_player(call: ApiVideoCall) -> Reply:
    """Delete a theme; videos and streams that have it fall back to the usual one."""
    player = _find_player(call)
    del call.account.players[player.id]
    all_attributes = [video.attributes for video in call.account.videos.values()]
    all_attributes += [stream.attributes for stream in call.account.live_streams.values()]
    for attributes in all_attributes:
        if attributes["playerId"] == player.id:
            attributes["playerId"] = None
    return success_reply(status=204, effect=True)


def upload_logo(call: ApiVideoCall) -> Reply:
    """Store a logo and where it leads."""
    player = _find_player(call)
    player.logo = call.form_image(max_bytes=MAX_LOGO_BYTES, kinds=("jpeg", "png"))
    player.link = call.request.form.fields.get("link") if call.request.form else None
    player.updated = call.wall_s
    return success_reply(_player_json(call, player), 201, effect=True)


def delete_logo(call: ApiVideoCall) -> Reply:
    """Delete the logo."""
    player = _find_player(call)
    player.logo = None
    player.link = None
    player.updated = call.wall_s
    return success_reply(status=204, effect=True)


def _find_player(call: ApiVideoCall) -> PlayerRecord:
    player: PlayerRecord = call.find_in(call.account.players, "playerId")
    return player


def _player_json(call: ApiVideoCall, player: PlayerRecord) -> dict[str, Any]:
    logo = None if player.logo is None else f"{call.origin}/player/{player.id}/logo"
    return {
        "playerId": player.id,
        "createdAt": format_time(player.created),
        "updatedAt": format_time(player.updated),
        **player.attributes,
        "assets": {"logo": logo, "link": player.link},
    }
