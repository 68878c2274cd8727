# SPDX-License-Identifier: Apache-2.0
# Generated from _async/source.py by tools/unasync.py; do not edit
"""Where a file comes from: the provider that signs its URL, and the storage behind it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from callwell.client._sync.fetch import fetched
from callwell.client._sync.primitives import sleep
from callwell.client.answers import origin
from callwell.core import download, paging, retry
from callwell.core.ranges import Head
from callwell.errors import AssetDamaged, AssetError, AssetUnavailable
from callwell.transport.base import Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from callwell.client._sync.engine import Engine
    from callwell.client._sync.primitives import Fetch
    from callwell.core.download import Download
    from callwell.core.rules import AssetRule
    from callwell.transport.base import Body, NoReply

STALL_S: Final = 30.0
"""Real seconds without a byte after which a body counts as broken off."""

MESSAGES: Final = {
    download.Why.EXPIRED: "every fresh URL was refused by the storage (HTTP {status})",
    download.Why.BROKEN: "the storage broke off every time",
    download.Why.REFUSED: "the storage refused it (HTTP {status})",
    download.Why.DAMAGED: "what the storage has is not what the provider announced",
    download.Why.UNAVAILABLE: "no file: the storage has none at present (HTTP {status})",
}

CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(?:\d*/(\d+))?")


class Facts(NamedTuple):
    """What the provider says about a file.

    Attributes:
        size: bytes, if it says.
        type: the media type, if it says.
        captured: whether such a file was made at all, if it says.
        available: there is a URL.
        once: it is good for one request.
    """

    size: int | None
    type: str | None
    captured: bool | None
    available: bool
    once: bool = False


class Source:
    """Where one file comes from.

    Args:
        name: provider and operation, for messages.
        rule: where the provider's answer says what about it.
        engine: for the storage's answers.
        ask: asks the provider for a fresh URL.

    Attributes:
        absent: statuses of the storage which say that there is no such file.
        facts: what the provider said last.
    """

    def __init__(self, name: str, rule: AssetRule, *, engine: Engine, ask: Fetch) -> None:
        self.name = name
        self.absent = rule.absent
        self.facts: Facts | None = None
        self._rule = rule
        self._engine = engine
        self._ask = ask
        self._url = ""

    def info(self) -> Facts:
        """What the provider says about the file; each time it is asked anew."""
        self.facts, self._url = self._asked()
        return self.facts

    def fresh(self, state: Download, before: Callable[[Facts], None] | None) -> tuple[Download, download.Action]:
        """Ask for a fresh URL.

        Args:
            state: where the download stands.
            before: called with what the provider says.

        Raises:
            AssetUnavailable: the provider has no such file.
            AssetError: the URL is one that nobody should follow.
        """
        facts = self.info()
        self._check(facts, self._url)
        if before is not None:
            before(facts)
        return download.given(state, facts.size, once=facts.once)

    def another(self) -> str:
        """The address for a request beside others: a fresh one where each is good for one request.

        Raises:
            AssetUnavailable: the provider has no such file any more.
            AssetError: the URL is one that nobody should follow.
        """
        if self.facts is None or not self.facts.once:
            return self._url
        facts, url = self._asked()
        self._check(facts, url)
        return url

    def pause(self, failures: int, waited: float) -> float:
        """Wait after failures.

        Args:
            failures: in a row.
            waited: seconds before the last attempt.

        Returns:
            seconds before this one.
        """
        if not failures:
            return 0.0
        seconds = retry.backoff(self._engine.profile.retry, failures - 1, self._engine.roll(), waited)
        sleep(self._engine.clock.real_s(seconds))
        return seconds

    def open(self, wanted: download.Fetch, url: str = "") -> AbstractContextManager[Body | NoReply]:
        """Ask the storage for bytes.

        Args:
            wanted: which.
            url: from `another`; the one that came last unless given.

        Raises:
            ClosedError: the client was closed.
        """
        operation = self.name.partition(" ")[2]
        self._engine.check_open(operation)
        headers: tuple[tuple[str, str], ...] = (("accept", "*/*"), ("accept-encoding", "identity"))
        if wanted.offset or wanted.stop is not None:
            last = "" if wanted.stop is None else wanted.stop - 1
            headers = (*headers, ("range", f"bytes={wanted.offset}-{last}"))
        if wanted.etag:
            headers = (*headers, ("if-range", wanted.etag))
        return fetched(self._engine, operation, Request("GET", url or self._url, headers, timeout_s=STALL_S))

    def failed(self, why: download.Why, status: int, state: Download) -> AssetError:
        """The error of a download that has failed."""
        if why is download.Why.UNAVAILABLE:
            return AssetUnavailable(f"{self.name}: {MESSAGES[why].format(status=status)}")
        cls = AssetDamaged if why is download.Why.DAMAGED else AssetError
        size = f" ({state.size} bytes announced)" if why is download.Why.DAMAGED and state.size is not None else ""
        return cls(f"{self.name}: {MESSAGES[why].format(status=status)}{size}")

    def _asked(self) -> tuple[Facts, str]:
        body, rule = (self._ask()).json, self._rule
        found, size, captured = (paging.at(body, path) for path in (rule.url, rule.size, rule.captured))
        url = found if isinstance(found, str) else ""
        facts = Facts(
            size if isinstance(size, int) else None,
            str(kind) if (kind := paging.at(body, rule.type)) else None,
            captured if isinstance(captured, bool) else None,
            available=bool(url),
            once=rule.once and paging.at(body, rule.public) is not True,
        )
        return facts, url

    def _check(self, facts: Facts, url: str) -> None:
        if not url:
            why = "it was not captured" if facts.captured is False else "the provider has none at present"
            raise AssetUnavailable(f"{self.name}: no file: {why}", captured=facts.captured)
        if origin(self._engine.base_url)[0] == "https" and origin(url)[0] != "https":
            raise AssetError(f"{self.name}: the provider names an address without TLS")


def head(body: Body) -> Head:
    """What storage says before it sends a body."""
    length = body.headers.get("content-length", "")
    place = CONTENT_RANGE.match(body.headers.get("content-range", ""))
    return Head(
        body.status,
        int(length) if length.isdecimal() else None,
        int(place[1]) if place else None,
        body.headers.get("etag"),
        int(place[2]) if place and place[2] else None,
    )
