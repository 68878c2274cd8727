# SPDX-License-Identifier: Apache-2.0
"""Player themes: colours, behaviour, and a logo with a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import Field, is_flag, is_text, short
from callwell.emulator.apivideo.pages import answer, ordered
from callwell.emulator.apivideo.records import Player, iso
from callwell.emulator.apivideo.replies import success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

LOGO_BYTES_MOST: Final = 100 << 10
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
    "name": Field(short(100)),
    **dict.fromkeys(COLOURS, Field(is_text)),
    **dict.fromkeys(FLAGS, Field(is_flag)),
}
ORDERS: Final[Mapping[str, Callable[[Player], Any]]] = {
    "name": lambda player: player.told["name"],
    "createdAt": lambda player: player.created,
    "updatedAt": lambda player: player.updated,
}


def create_player(call: Call) -> Reply:
    """One more theme; every attribute has a default."""
    told = {"name": "", **COLOURS, **FLAGS, **call.body(TABLE)}
    player = Player(call.account.new_id("pl"), call.wall, call.wall, told)
    call.account.players[player.id] = player
    return success(_shown(call, player), 201, effect=True)


def list_players(call: Call) -> Reply:
    """All themes."""
    rows = ordered(call, list(call.account.players.values()), ORDERS, default="createdAt")
    return answer(call, rows, lambda player: _shown(call, player))


def get_player(call: Call) -> Reply:
    """One theme."""
    return success(_shown(call, _found(call)))


def update_player(call: Call) -> Reply:
    """Change some attributes."""
    player = _found(call)
    player.told |= call.body(TABLE)
    player.updated = call.wall
    return success(_shown(call, player), effect=True)


def delete_player(call: Call) -> Reply:
    """Delete a theme; videos that have it fall back to the usual one."""
    player = _found(call)
    del call.account.players[player.id]
    users = [video.told for video in call.account.videos.values()]
    users += [stream.told for stream in call.account.live_streams.values()]
    for told in users:
        if told["playerId"] == player.id:
            told["playerId"] = None
    return success(status=204, effect=True)


def upload_logo(call: Call) -> Reply:
    """Take a logo and where it leads."""
    player = _found(call)
    player.logo = call.image(most=LOGO_BYTES_MOST, kinds=("jpeg", "png"))
    player.link = call.request.form.fields.get("link") if call.request.form else None
    player.updated = call.wall
    return success(_shown(call, player), 201, effect=True)


def delete_logo(call: Call) -> Reply:
    """Delete the logo."""
    player = _found(call)
    player.logo = player.link = None
    player.updated = call.wall
    return success(status=204, effect=True)


def _found(call: Call) -> Player:
    player: Player = call.named(call.account.players, "playerId")
    return player


def _shown(call: Call, player: Player) -> dict[str, Any]:
    logo = None if player.logo is None else f"{call.origin}/player/{player.id}/logo"
    return {
        "playerId": player.id,
        "createdAt": iso(player.created),
        "updatedAt": iso(player.updated),
        **player.told,
        "assets": {"logo": logo, "link": player.link},
    }
