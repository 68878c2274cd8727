# SPDX-License-Identifier: Apache-2.0
"""Finishes the requests of operations with unusual needs.

These have a body other than a JSON object that is always sent, a parameter in a cookie or in a rare style, a query in
their path, or their own server.

`Binder` checks the arguments and writes the parameters. It passes values that are not headers to `finish` as headers
with special names: see `rare_styles`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from callwell.client.calls.bodies import BodySelector
from callwell.client.calls.rare_styles import join_query
from callwell.client.calls.request_files import extra_time_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.description.model import Operation
    from callwell.transport.base import StreamedBody


class FinishedRequest(NamedTuple):
    """The fields of a `BoundRequest`, under the same names."""

    target: str
    headers: tuple[tuple[str, str], ...]
    url: str
    accept: str
    body: bytes | StreamedBody | None = None
    media: str = ""
    extra_time_s: float = 0.0


class RequestFinisher:
    """Finishes the requests of one operation.

    Args:
        operation: the operation.
        server: its own address, in place of the environment's; empty for none.
    """

    def __init__(self, operation: Operation, server: str) -> None:
        self._server = server
        self._bodies = BodySelector(operation)

    def finish(
        self, target: str, query: list[tuple[str, str]], headers: list[tuple[str, str]], body: Mapping[str, object]
    ) -> FinishedRequest:
        """The request.

        Args:
            target: the path, its usual parameters filled in.
            query: the pairs of the query.
            headers: the headers, and the values that count as headers.
            body: the fields of the body, or the whole body, by name on the wire; JSON values and files.

        Raises:
            UnknownName: a field that the chosen type of body does not have.
            InvalidOption: a body that cannot be written.
        """
        media_type = ""
        accept = ""
        cookies: list[str] = []
        sent: list[tuple[str, str]] = []
        for name, text in headers:
            if name.startswith("{"):
                target = target.replace(name, text)
            elif name == "cookie":
                cookies.append(text)
            elif name == "accept":
                accept = text
            elif name == "content-type":
                media_type = text
            else:
                sent.append((name, text))
        if cookies:
            sent.append(("cookie", "; ".join(cookies)))
        if query:
            target = f"{target}{'&' if '?' in target else '?'}{join_query(query)}"
        url = f"{self._server}{target}" if self._server else ""
        finished = FinishedRequest(target=target, headers=tuple(sent), url=url, accept=accept)
        writer = self._bodies.select(body, media_type)
        if writer is None:
            return finished
        content, media = writer.write(body)
        seconds = extra_time_s(content) if writer.may_hold_files else 0.0
        return finished._replace(body=content, media=media, extra_time_s=seconds)
