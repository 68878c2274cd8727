# SPDX-License-Identifier: Apache-2.0
"""Pictures that can be burnt into new videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.pages import answer, ordered
from callwell.emulator.apivideo.records import Watermark, iso
from callwell.emulator.apivideo.replies import success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

MOST_BYTES: Final = 200 << 20
ORDERS: Final[Mapping[str, Callable[[Watermark], Any]]] = {"createdAt": lambda watermark: watermark.created}


def upload_watermark(call: Call) -> Reply:
    """Take a picture."""
    picture = call.image(most=MOST_BYTES, kinds=("jpeg", "png"))
    watermark = Watermark(call.account.new_id("watermark_"), call.wall, picture)
    call.account.watermarks[watermark.id] = watermark
    return success(_shown(watermark), effect=True)


def list_watermarks(call: Call) -> Reply:
    """All pictures."""
    rows = ordered(call, list(call.account.watermarks.values()), ORDERS, default="createdAt")
    return answer(call, rows, _shown)


def delete_watermark(call: Call) -> Reply:
    """Delete one; videos that have it keep it."""
    del call.account.watermarks[call.named(call.account.watermarks, "watermarkId").id]
    return success(status=204, effect=True)


def _shown(watermark: Watermark) -> dict[str, Any]:
    return {"watermarkId": watermark.id, "createdAt": iso(watermark.created)}
