# SPDX-License-Identifier: Apache-2.0
"""What a program sees of its calls: levels, words, and no secret."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from callwell import errors
from callwell.core.rules.profile import QuotaRule
from callwell.observe.logs import LOGGER, log_notice
from callwell.observe.notices import AttemptEnded, CallEnded, FetchEnded, KeyChanged, Waiting
from tests.client._sync.scripted_client import connect
from tests.client.acme import KEY, acme
from tests.client.world import DEAD, LOST, ListSource, ScriptedProvider, make_error_response, make_response

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.observe.notices import Notice


@pytest.mark.parametrize(
    ("notice", "level", "text"),
    [
        (AttemptEnded("p", "o", 2, 500, "X", "", 0.25), logging.DEBUG, "p o attempt 2: 500 X in 0.250 s"),
        (AttemptEnded("p", "o", 1, 200, None, "", 0.25), logging.DEBUG, "p o attempt 1: 200 in 0.250 s"),
        (AttemptEnded("p", "o", 1, None, None, "no answer", 1.0), logging.DEBUG, "p o attempt 1: no answer in 1.000 s"),
        (
            AttemptEnded("p", "o", 1, None, None, "for https://h/?sig=secret", 1.0),
            logging.DEBUG,
            "p o attempt 1: for https://h/?sig=[hidden] in 1.000 s",
        ),
        (
            FetchEnded("p", "o", 206, "the response broke off", 7, 1.0, "https://storage.test", "storage.test", 443),
            logging.DEBUG,
            "p o storage: 206 the response broke off, 7 bytes in 1.000 s",
        ),
        (
            FetchEnded("p", "o", None, "no answer", 0, 1.0, "https://storage.test", "storage.test", 443),
            logging.DEBUG,
            "p o storage: no answer, 0 bytes in 1.000 s",
        ),
        (Waiting("p", "o", 3.0, "quota"), logging.INFO, "p o waits up to 3.0 s: quota"),
        (Waiting("p", "o", 0.3, "backoff"), logging.DEBUG, "p o waits up to 0.3 s: backoff"),
        (KeyChanged("p", "abc", 1), logging.INFO, "p key abc in use (generation 1)"),
        (CallEnded("p", "o", 1, "done", 0.5), logging.DEBUG, "p o: done after 1 attempts in 0.500 s"),
        (CallEnded("p", "o", 6, "unknown", 0.5), logging.WARNING, "p o: unknown after 6 attempts in 0.500 s"),
    ],
)
def test_each_notice_has_its_level_and_words(
    caplog: pytest.LogCaptureFixture, notice: Notice, level: int, text: str
) -> None:
    """Attempts at DEBUG, long waits and new keys at INFO, failures at WARNING."""
    caplog.set_level(logging.DEBUG, "callwell")
    log_notice(notice)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [(level, text)]


def test_a_full_run_shows_no_secret(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Rotation, retries, quotas, pages and files at DEBUG: neither key, nor signature, nor body."""
    caplog.set_level(logging.DEBUG)
    url = "https://storage.test/f?X-Amz-Signature=SIGNATURE&X-Amz-Credential=CREDENTIAL"
    page = make_response(200, {"data": {"items": [{"id": "BODY"}], "more": False}})
    world = ScriptedProvider(
        DEAD,
        make_error_response(429, "X", retry_after="2"),
        make_error_response(500, "acme_second"),
        LOST,
        make_response(200, {"data": {"id": "BODY"}}),
        page,
        make_response(200, {"data": {"url": url, "size": 4}}),
        make_response(403, b"SIGNATURE"),
        make_response(200, {"data": {"url": url, "size": 4}}),
        make_response(200, b"BODY", content_length="4"),
        make_error_response(403, "acme_second"),
    )
    api = connect(
        world,
        provider=acme({"two": QuotaRule(limit=2, window_s=5)}),
        source=ListSource([KEY, "acme_second"]),
        deadline_s=None,
    )
    api.call("things.get", thing_id="THING")
    list(api.pages("things.list"))
    api.asset("things.file", thing_id="THING").save(tmp_path / "f")
    with pytest.raises(errors.Forbidden):
        api.call("things.get", thing_id="THING")
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    shown = logged + str(world.notices)
    assert "waits up to" in shown
    assert "[hidden]" in shown
    for secret in (KEY, "acme_second", "SIGNATURE", "CREDENTIAL", "BODY", "storage.test/"):
        assert secret not in shown
    assert "storage.test" not in logged


def test_a_hook_that_fails_disturbs_no_call(caplog: pytest.LogCaptureFixture) -> None:
    """What a hook raises is logged, and the call goes on."""

    def fail(_: Any) -> None:
        raise ZeroDivisionError

    assert (
        connect(ScriptedProvider(make_error_response(500, "X"), make_response(200, {"data": 1})), on_notice=fail).call(
            "things.get", thing_id="1"
        )
        == 1
    )
    assert "a hook failed" in caplog.text


def test_a_program_that_does_not_log_sees_nothing() -> None:
    """A library's logger has a handler that does nothing, so that Python prints no last resort."""
    assert any(isinstance(handler, logging.NullHandler) for handler in LOGGER.handlers)
