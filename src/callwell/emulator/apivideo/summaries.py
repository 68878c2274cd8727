# SPDX-License-Identifier: Apache-2.0
"""Summaries of videos, written by the service or by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import AttributeRule, check_text, list_of
from callwell.emulator.apivideo.pages import page_reply, sort_rows
from callwell.emulator.apivideo.records import SummaryRecord, format_time
from callwell.emulator.apivideo.replies import api_error, success_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.account import ApiVideoAccount
    from callwell.emulator.apivideo.call import ApiVideoCall
    from callwell.emulator.messages import Reply

CREATION: Final = {
    "videoId": AttributeRule(check_text, required=True),
    "origin": AttributeRule(list_of()),
    "attributes": AttributeRule(list_of("abstract", "takeaways")),
}
TEXT: Final = {"abstract": AttributeRule(check_text), "takeaways": AttributeRule(list_of(max_items=3))}
STATUSES: Final = ("missing", "waiting", "failed", "completed", "unprocessable")
SORT_KEYS: Final[Mapping[str, Callable[[SummaryRecord], Any]]] = {
    "createdAt": lambda summary: summary.created,
    "updatedAt": lambda summary: summary.updated,
    "videoId": lambda summary: summary.video_id,
}


def start_summary(account: ApiVideoAccount, video_id: str, wall_s: float, after_s: float) -> SummaryRecord:
    """Begin a summary that the service writes; it is ready after `after_s` clock seconds."""
    summary = SummaryRecord(
        id=account.new_id("summary_"),
        created=wall_s,
        updated=wall_s,
        video_id=video_id,
        origin="auto",
        ready=wall_s + after_s,
    )
    video = account.videos.get(video_id)
    summary.abstract = "" if video is None else f"What happens in {video.title}."
    summary.takeaways = ["It begins.", "It goes on.", "It ends."]
    account.summaries[summary.id] = summary
    return summary


def create_summary(call: ApiVideoCall) -> Reply:
    """Create a summary: the service writes it if its origin is `auto`, else the user will."""
    given = call.parse_body(CREATION | {"origin": AttributeRule(_check_auto)})
    video_id = given["videoId"]
    if video_id not in call.account.videos:
        raise api_error("resource-not-found", "videoId")
    if any(summary.video_id == video_id for summary in call.account.summaries.values()):
        raise api_error("summary-already-exists", "videoId", detail="This video has a summary.")
    if "origin" in given:
        summary = start_summary(call.account, video_id, call.wall_s, call.options.ingest_delay_s)
    else:
        summary = SummaryRecord(
            id=call.account.new_id("summary_"),
            created=call.wall_s,
            updated=call.wall_s,
            video_id=video_id,
            origin="api",
        )
        call.account.summaries[summary.id] = summary
    return success_reply(_summary_json(summary, call.wall_s), 201, effect=True)


def list_summaries(call: ApiVideoCall) -> Reply:
    """Return the summaries, filtered and sorted."""
    filters = {
        "videoId": call.query.text("videoId") or "",
        "origin": call.query.choice("origin", ("auto", "api", ""), ""),
        "sourceStatus": call.query.choice("sourceStatus", (*STATUSES, ""), ""),
    }
    shown = {summary.id: _summary_json(summary, call.wall_s) for summary in call.account.summaries.values()}
    matching = [
        summary
        for summary in call.account.summaries.values()
        if all(not value or shown[summary.id][name] == value for name, value in filters.items())
    ]
    return page_reply(
        call, sort_rows(call, matching, SORT_KEYS, default="createdAt"), lambda summary: shown[summary.id]
    )


def delete_summary(call: ApiVideoCall) -> Reply:
    """Delete a summary."""
    del call.account.summaries[call.find_in(call.account.summaries, "summaryId").id]
    return success_reply(status=204, effect=True)


def get_summary_source(call: ApiVideoCall) -> Reply:
    """Return the text; 404 while there is none."""
    summary: SummaryRecord = call.find_in(call.account.summaries, "summaryId")
    if summary.ready is None or call.wall_s < summary.ready:
        raise api_error("resource-not-found", "summaryId")
    return success_reply(_source_json(summary))


def update_summary_source(call: ApiVideoCall) -> Reply:
    """Write the text, or parts of it; 409 while the service writes."""
    summary: SummaryRecord = call.find_in(call.account.summaries, "summaryId")
    given = call.parse_body(TEXT)
    if summary.ready is not None and call.wall_s < summary.ready:
        raise api_error("summary-already-exists", detail="The summary is being written.")
    summary.abstract = given.get("abstract", summary.abstract)
    summary.takeaways = given.get("takeaways", summary.takeaways)
    summary.updated = call.wall_s
    summary.ready = call.wall_s
    return success_reply(_source_json(summary), 201, effect=True)


def _check_auto(value: Any) -> str | None:
    return None if value == "auto" else ':Use "auto".'


def _source_json(summary: SummaryRecord) -> dict[str, Any]:
    return {"abstract": summary.abstract, "takeaways": summary.takeaways}


def _summary_json(summary: SummaryRecord, wall_s: float) -> dict[str, Any]:
    status = "missing"
    if summary.ready is not None:
        status = "completed" if wall_s >= summary.ready else "waiting"
    return {
        "summaryId": summary.id,
        "createdAt": format_time(summary.created),
        "updatedAt": format_time(summary.updated),
        "videoId": summary.video_id,
        "origin": summary.origin,
        "sourceStatus": status,
    }
