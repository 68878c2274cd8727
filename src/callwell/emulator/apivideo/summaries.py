# SPDX-License-Identifier: Apache-2.0
"""Summaries of videos: begun by the service, or written by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from callwell.emulator.apivideo.fields import Field, is_text, some_of
from callwell.emulator.apivideo.pages import answer, ordered
from callwell.emulator.apivideo.records import Summary, iso
from callwell.emulator.apivideo.replies import refuse, success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.emulator.apivideo.account import Account
    from callwell.emulator.apivideo.call import Call
    from callwell.emulator.messages import Reply

CREATION: Final = {
    "videoId": Field(is_text, required=True),
    "origin": Field(some_of()),
    "attributes": Field(some_of("abstract", "takeaways")),
}
TEXT: Final = {"abstract": Field(is_text), "takeaways": Field(some_of(most=3))}
STATUSES: Final = ("missing", "waiting", "failed", "completed", "unprocessable")
ORDERS: Final[Mapping[str, Callable[[Summary], Any]]] = {
    "createdAt": lambda summary: summary.created,
    "updatedAt": lambda summary: summary.updated,
    "videoId": lambda summary: summary.video_id,
}


def summarise(account: Account, video_id: str, wall: float, after_s: float) -> Summary:
    """Begin a summary that the service writes."""
    summary = Summary(account.new_id("summary_"), wall, wall, video_id, "auto", ready=wall + after_s)
    summary.abstract = f"What happens in {account.videos[video_id].title}." if video_id in account.videos else ""
    summary.takeaways = ["It begins.", "It goes on.", "It ends."]
    account.summaries[summary.id] = summary
    return summary


def create_summary(call: Call) -> Reply:
    """Begin a summary: by the service if its origin is `auto`, else to be written."""
    given = call.body(CREATION | {"origin": Field(_is_auto)})
    video_id = given["videoId"]
    if video_id not in call.account.videos:
        raise refuse("resource-not-found", "videoId")
    if any(each.video_id == video_id for each in call.account.summaries.values()):
        raise refuse("summary-already-exists", "videoId", detail="This video has a summary.")
    if "origin" in given:
        summary = summarise(call.account, video_id, call.wall, call.options.ingest_delay_s)
    else:
        summary = Summary(call.account.new_id("summary_"), call.wall, call.wall, video_id, "api")
        call.account.summaries[summary.id] = summary
    return success(_shown(summary, call.wall), 201, effect=True)


def list_summaries(call: Call) -> Reply:
    """All summaries."""
    origins, statuses = ("auto", "api", ""), (*STATUSES, "")
    wanted = {
        "videoId": call.query.text("videoId") or "",
        "origin": call.query.choice("origin", origins, ""),
        "sourceStatus": call.query.choice("sourceStatus", statuses, ""),
    }
    shown = {each.id: _shown(each, call.wall) for each in call.account.summaries.values()}
    fitting = [
        each
        for each in call.account.summaries.values()
        if all(not value or shown[each.id][name] == value for name, value in wanted.items())
    ]
    return answer(call, ordered(call, fitting, ORDERS, default="createdAt"), lambda each: shown[each.id])


def delete_summary(call: Call) -> Reply:
    """Delete one."""
    del call.account.summaries[call.named(call.account.summaries, "summaryId").id]
    return success(status=204, effect=True)


def get_summary_source(call: Call) -> Reply:
    """The text; 404 while there is none."""
    summary: Summary = call.named(call.account.summaries, "summaryId")
    if summary.ready is None or call.wall < summary.ready:
        raise refuse("resource-not-found", "summaryId")
    return success(_text(summary))


def update_summary_source(call: Call) -> Reply:
    """Write the text, or some of it; 409 while the service writes."""
    summary: Summary = call.named(call.account.summaries, "summaryId")
    given = call.body(TEXT)
    if summary.ready is not None and call.wall < summary.ready:
        raise refuse("summary-already-exists", detail="The summary is being written.")
    summary.abstract = given.get("abstract", summary.abstract)
    summary.takeaways = given.get("takeaways", summary.takeaways)
    summary.updated = summary.ready = call.wall
    return success(_text(summary), 201, effect=True)


def _is_auto(value: Any) -> str | None:
    return None if value == "auto" else ':Use "auto".'


def _text(summary: Summary) -> dict[str, Any]:
    return {"abstract": summary.abstract, "takeaways": summary.takeaways}


def _shown(summary: Summary, wall: float) -> dict[str, Any]:
    status = "missing" if summary.ready is None else "completed" if wall >= summary.ready else "waiting"
    return {
        "summaryId": summary.id,
        "createdAt": iso(summary.created),
        "updatedAt": iso(summary.updated),
        "videoId": summary.video_id,
        "origin": summary.origin,
        "sourceStatus": status,
    }
