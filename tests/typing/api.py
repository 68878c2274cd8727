# SPDX-License-Identifier: Apache-2.0
# mypy: warn-unreachable, enable-error-code="ignore-without-code,redundant-expr,truthy-bool"
"""How the typed clients are used. This file is type-checked, and never run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, assert_never, assert_type

from callwell import ApiError, Entry, Key, NameTaken, OutcomeUnknown, Verdict, WouldExceedDeadline, webhooks
from callwell.assess import Assessment, AssessmentReport, AssessmentRow, read_manifest
from callwell.client import NOT_GIVEN, Answer, Asset, AsyncAsset, AsyncPager, Pager, SandboxWarning, Saved, Uploaded
from callwell.errors import CallwellError
from callwell.observe.notices import (
    AttemptBegan,
    AttemptEnded,
    CallBegan,
    CallEnded,
    ClockDiffers,
    Deprecated,
    FetchEnded,
    ForeignSpending,
    KeyChanged,
    KeySetAside,
    LimitLowered,
    OneUser,
    Waiting,
)
from callwell.observe.opentelemetry import OpenTelemetryHook
from callwell.observe.prometheus import PrometheusHook
from callwell.providers.apivideo import client as apivideo
from callwell.providers.apivideo.client import Apivideo
from callwell.providers.language_confidence.client import LanguageConfidence
from callwell.providers.typed import AsyncClient, AsyncDynamicClient, Client, DynamicClient
from callwell.providers.userplane import client as shapes
from callwell.providers.userplane.client import AsyncUserplane, Code, Userplane

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.client import CallOptions, ClientOptions
    from callwell.observe.hooks import Hook
    from callwell.observe.notices import Notice


def sync_side() -> None:
    """The provider's name determines the class, and each method has its types."""
    with Client("userplane", key="env:SOME_KEY", deadline_s=5.0, priority="batch") as api:
        assert_type(api, Userplane)
        assert_type(api.me.get(), shapes.MeGet)
        assert_type(api.me.get()["user"]["image"], str | None)
        assert_type(
            api.recordings.list(workspace_id="w", project_id=["p"], sort_by="created_at", page=2),
            Pager[shapes.RecordingItem],
        )
        for recording in api.recordings.list(workspace_id="w", per_page=20):
            assert_type(recording["recordingDurationMs"], int | None)
        assert_type(api.recordings.video(workspace_id="w", recording_id="r"), Asset)
        link = api.links.create(workspace_id="w", domain_id="d", link_meta={"source": "x"})["link"]
        assert_type(link["linkURL"], str)
        assert_type(link["linkType"], Literal["file", "recording", "session", "screenshot"])
        api.links.update(workspace_id="w", link_id="l", link_provider_type=link["linkProviderType"], link_meta=None)
        api.links.update(workspace_id="w", link_id="l", link_meta=NOT_GIVEN)
        assert_type(api.search.search(workspace_id="w", q="x", type="links")["type"], shapes.SearchType)
        assert_type(api.with_options(deadline_s=None), Userplane)


def speech() -> None:
    """A name may have dashes; responses are lenient, and some calls name an end user."""
    with Client("language-confidence", plan="monthly-active-users", user_secret=Key("x"), alpha=True) as api:
        assert_type(api, LanguageConfidence)
        for_ann = api.with_options(for_user="ann")
        report = for_ann.assess.scripted(accent="us", audio_base64="", audio_format="wav", expected_text="x")
        assert_type(report["pronunciation"]["words"][0]["word_score"], int)
        assert_type(report.get("warnings"), dict[str, str] | None)
        free = for_ann.assess.unscripted(accent="uk", audio_base64="", audio_format="mp3", context={"question": "?"})
        if (pte := (free["overall"].get("english_proficiency_scores") or {}).get("mock_pte")) is not None:
            assert_type(pte.get("prediction"), float | str | None)


def uploading(api: Apivideo, path: Path) -> None:
    """The arguments are those of both operations; the result has the object."""
    done = api.videos.upload(path, title="t", tags=["a"], language="no", pieces=2, progress=print, wait="playable")
    assert_type(done, Uploaded[apivideo.VideosUpload])
    assert_type((done.target, done.resent, done.warnings), tuple[str, int, tuple[SandboxWarning, ...]])
    assert_type(api.videos.upload_with_token(iter([b"a"]), token="t"), Uploaded[apivideo.VideosUploadWithToken])
    assert_type(api.upload("videos.upload", b"a", title="t"), Uploaded[Any])


async def async_side() -> None:
    """The same, with `await` for whatever sends."""
    async with AsyncClient("userplane") as api:
        assert_type(api, AsyncUserplane)
        assert_type(await api.workspaces.get(workspace_id="w"), shapes.WorkspacesGet)
        pages = api.members.list(workspace_id="w")
        assert_type(pages, AsyncPager[shapes.Member])
        async for member in pages:
            assert_type(member["memberName"], str)
        assert_type(api.recordings.console_log(workspace_id="w", recording_id="r"), AsyncAsset)


def described_at_run_time(folder: Path) -> None:
    """A provider described in a folder may have any operation."""
    client = Client(folder, base_url="https://host.test/v1")
    assert_type(client, DynamicClient)
    assert_type(client.things.get(), Any)
    assert_type(AsyncClient("folder"), AsyncDynamicClient)


def any_client(client: Client, folder: Path) -> None:
    """Each provider's client is a client."""
    assert_type(client.call("me.get"), Any)
    assert_type(client.call_raw("me.get", some=1), Answer)
    answer = client.request("post", "/x", query={"a": "b"}, json={"c": [1, None]})
    assert_type((answer.status, answer.body, answer.headers["date"]), tuple[int, bytes, str])
    pages = client.pages("recordings.list", workspace_id="w").resume("position")
    assert_type(pages.verdict, Verdict)
    for page in pages.pages():
        assert_type(page, list[Any])
    sizes: list[int] = []
    saved = client.asset("recordings.video").save(folder / "x", progress=sizes.append)
    assert_type(saved.sha256, str)
    quick: CallOptions = {"deadline_s": 1, "priority": "batch"}
    client.with_options(**quick).close()


def what_goes_wrong(client: Client) -> None:
    """Errors carry what is known."""
    try:
        client.call("me.get")
    except WouldExceedDeadline as error:
        assert_type((error.at, error.attempts, error.provider), tuple[float, int, str])
    except ApiError as error:
        assert_type((error.status, error.code, error.outcome), tuple[int, str | None, str])
    except OutcomeUnknown as error:
        assert_type(error.status, int | None)


def exactly_once(api: Apivideo) -> None:
    """A name is an option like any other; the ledger is typed."""
    created = api.with_options(exactly_once="order-1").videos.create(title="t")
    assert_type(created["videoId"], str)
    for entry in api.ledger.entries(settled=True):
        assert_type(entry, Entry)
        assert_type((entry.name, entry.marker, entry.arguments), tuple[str, str | None, dict[str, Any]])
        assert_type(api.ledger.settle(entry, done=True), Entry)
    assert_type(api.ledger.resume("order-1"), Any)
    try:
        api.with_options(exactly_once=True).call("videos.create", title="t")
    except NameTaken as error:
        assert_type((error.name, error.object_key), tuple[str, str | None])
    except OutcomeUnknown as error:
        assert_type((error.sent, error.entry, error.at), tuple[str, str | None, float])


class Watching:
    """A hook needs no base class, and may name its arguments freely."""

    def began(self, sent: AttemptBegan) -> Mapping[str, str]:
        """What it sees of a request, and adds to it."""
        assert_type((sent.call, sent.url, sent.template, sent.port), tuple[int, str, str | None, int])
        return {"traceparent": "00-1-2-01"}

    def notice(self, notice: Notice) -> None:
        """All notices that there are."""
        match notice:
            case AttemptEnded() | Waiting() | CallBegan() | CallEnded():
                assert_type(notice.call, int)
            case FetchEnded():
                assert_type(notice.status, int | None)
            case KeyChanged() | KeySetAside():
                assert_type(notice.fingerprint, str)
            case ForeignSpending() | LimitLowered() | ClockDiffers() | Deprecated():
                assert_type(notice.provider, str)
            case OneUser():
                assert_type((notice.calls, notice.user), tuple[int, str])
            case _:
                assert_never(notice)


def hooks_of_all_kinds() -> None:
    """Hooks of every kind in one list, or a function of notices."""
    hook: Hook = Watching()
    Client("userplane", hooks=["opentelemetry", "prometheus", hook, OpenTelemetryHook(), PrometheusHook()])
    Client("userplane", key=Key("x"), on_notice=print, hooks=(hook,))
    options: ClientOptions = {"hooks": [hook], "state": "memory:"}
    AsyncClient("folder", **options)


any_client(Client("userplane"), Path())
assert_type(Code("LINK_GONE"), Code)
code: str = Code.LINK_GONE


def forms_and_objects(api: Apivideo, picture: Path) -> None:
    """Files are paths or bytes, objects are dictionaries of known fields, choices are literals."""
    assert_type(api, Apivideo)
    created = api.videos.create(
        title="t", metadata=[{"key": "a", "value": "b"}], language="no", clip={"endTimecode": "9"}
    )
    assert_type(created, apivideo.VideosCreate)
    assert_type(created["videoId"], str)
    assert_type(created.get("assets"), apivideo.VideoAssets | None)
    api.videos.update(video_id="v", language=None, player_id=None)
    for file in (picture, str(picture), b"bytes"):
        api.videos.upload_thumbnail(video_id="v", file=file)
    assert_type(api.videos.list(tags=["x"], metadata={"k": "v"}), Pager[apivideo.Video])
    assert_type(api.videos.mp4(video_id="v"), Asset)
    assert_type(api.videos.download("v", picture, progress=print), Saved)
    assert_type(api.videos.mp4(video_id="v").save(picture, resume=True).size, int)
    for found in api.analytics.breakdown(metric="play", breakdown="country", filter_by={"browser": ["x"]}):
        assert_type(found.get("metricValue"), float | None)
    ingest = api.videos.status(video_id="v").get("ingest")
    assert_type(ingest, apivideo.VideoIngest | None)


def distinguish_events(event: webhooks.Event) -> None:
    """The name of an event determines its type."""
    assert_type((event.type, event.known, event.at, event.digest), tuple[str, bool, float | None, str])
    data: apivideo.WebhookEvent = event.data
    if data["type"] == "video.encoding.quality.completed":
        assert_type(data, apivideo.VideoEncodingQualityCompletedEvent)
        assert_type(data.get("quality"), str | None)


EVENT = webhooks.verify("apivideo", [(b"x-api-video-signature", b"")], b"{}", Key("x"), max_age_s=300)
distinguish_events(EVENT)
forms_and_objects(Client("apivideo", environment="sandbox"), Path("picture.png"))


async def assess_recordings(client: AsyncDynamicClient, manifest: Path) -> None:
    """Rows come from a manifest or from code; what failed says why."""
    rows = [*read_manifest(manifest, [Path()]), AssessmentRow(Path("a.wav"), "text", user="u", accent="us")]
    report = await Assessment(client.with_options(remember=True, force=False), rows, "out", operation="scripted").run()
    assert_type(report, AssessmentReport)
    for error in report.failed:
        assert_type((error.row, error.file, error.cause), tuple[int, str, CallwellError])
