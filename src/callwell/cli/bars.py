# SPDX-License-Identifier: Apache-2.0
"""How far work is, as bars and as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from callwell.assess import Progress as Assessing
    from callwell.batch import Progress as Sending
    from callwell.export import Progress as Exporting


class Bar(NamedTuple):
    """One bar.

    Attributes:
        name: what it is about.
        done: how much is done.
        total: of how much, 0 while that is not known.
        told: words beside it.
        figures: how far it is.
    """

    name: str
    done: int
    total: int
    told: str
    figures: str


class Picture(NamedTuple):
    """How far work is.

    Attributes:
        bars: for a terminal.
        line: for elsewhere.
    """

    bars: tuple[Bar, ...] = ()
    line: str = ""


def exporting(p: Exporting) -> Picture:
    """How far an export is."""
    files = f"{p.assets:,} files, {p.bytes / 1e6:,.1f} MB{_sad((p.gone, 'gone'), (p.failed, 'failed'))}"
    return Picture(
        (
            _bar("walk", p.scopes, p.scopes_total, f"{p.pages} pages, {p.listed} entries"),
            _bar("fetch", p.items, p.items_total, files),
        ),
        f"{p.items}/{p.items_total} items, {p.assets} files, {p.bytes / 1e6:.1f} MB, {p.pages} pages",
    )


def sending(p: Sending) -> Picture:
    """How far a batch of uploads is: a bar for the whole, and one for each file that is under way."""
    sad = _sad((p.failed, "failed"))
    whole = f"{p.bytes / 1e6:,.1f} of {p.bytes_total / 1e6:,.1f} MB{sad}"
    bars = [Bar("files", p.bytes, p.bytes_total, whole, f"{p.files}/{p.files_total}")]
    for one in p.under_way:
        told = f"{one.sent / 1e6:,.1f} of {one.size / 1e6:,.1f} MB"
        bars.append(Bar(_short(one.name), one.sent, one.size, told, f"{100 * one.sent // max(one.size, 1)} %"))
    return Picture(tuple(bars), f"{p.files}/{p.files_total} files, {whole}")


def assessing(p: Assessing) -> Picture:
    """How far an assessment is."""
    sad = _sad((p.remembered, "known"), (p.failed, "failed"), (p.possibly_billed, "possibly billed twice"))
    told = f"{p.audio_s / 60:,.1f} min of speech, {p.sent / 1e6:,.1f} MB{sad}"
    done = p.done + p.failed
    return Picture((_bar("assess", done, p.rows, told),), f"{done}/{p.rows} recordings, {told}")


def _bar(name: str, done: int, total: int, told: str) -> Bar:
    return Bar(name, done, total, told, f"{done}/{total}")


def _sad(*told: tuple[int, str]) -> str:
    return "".join(f", {count} {word}" for count, word in told if count)


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
