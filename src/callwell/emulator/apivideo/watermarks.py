# SPDX-License-Identifier: Apache-2.0
"""Watermarks: pictures that can be burnt into new videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.pages import page_reply, sort_rows
from callwell.emulator.apivideo.records import WatermarkRecord, format_time
from callwell.emulator.apivideo.replies import success_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

# As much as any single request may upload.
MAX_BYTES: Final = 200 << 20
SORT_KEYS: Final[Mapping[str, Callable[[WatermarkRecord], Any]]] = {"createdAt": lambda watermark: watermark.created}


def upload_watermark(call: ApiVideoCall) -> Reply:
    """Store a picture."""
    picture = call.form_image(max_bytes=MAX_BYTES, kinds=("jpeg", "png"))
    watermark = WatermarkRecord(call.account.new_id("watermark_"), call.wall_s, picture)
    call.account.watermarks[watermark.id] = watermark
    return success_reply(_watermark_json(watermark), effect=True)


def list_watermarks(call: ApiVideoCall) -> Reply:
    """Return all watermarks."""
    rows = sort_rows(call, list(call.account.watermarks.values()), SORT_KEYS, default="createdAt")
    return page_reply(call, rows, _watermark_json)


def delete_watermark(call: ApiVideoCall) -> Reply:
    """Delete a watermark; videos that have it keep it."""
    del call.account.watermarks[call.find_in(call.account.watermarks, "watermarkId").id]
    return success_reply(status=204, effect=True)


def _watermark_json(watermark: WatermarkRecord) -> dict[str, Any]:
    return {"watermarkId": watermark.id, "createdAt": format_time(watermark.created)}
