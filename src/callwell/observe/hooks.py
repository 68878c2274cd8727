# SPDX-License-Identifier: Apache-2.0
"""What a program gives to watch its calls: hooks of its own, and the bundled ones by name.

A bundled hook is made when a client first names it, and only then is the package imported that it speaks to. All
clients of a process share it.
"""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol, cast, runtime_checkable

from callwell.errors import InvalidOption, UnknownName, UsageError
from callwell.extras import install_command
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from callwell.observe.notices import AttemptBegan, Notice

BUNDLED: Final = {
    "opentelemetry": ("callwell.observe.opentelemetry", "OpenTelemetryHook"),
    "prometheus": ("callwell.observe.prometheus", "PrometheusHook"),
}

HEADER_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
"""A header's name, in lower case."""

TRANSPORT_HEADERS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "user-agent", "accept-encoding"}
)
"""Headers that the transport writes, which no hook adds."""


@runtime_checkable
class Hook(Protocol):
    """What may watch a client. It must not wait, and what it raises is logged and disturbs no call.

    It is called by whatever thread or task makes the call, by many at once where many call.
    """

    def began(self, attempt: AttemptBegan, /) -> Mapping[str, str] | None:
        """A request is about to be sent.

        Args:
            attempt: where it goes.

        Returns:
            headers to send with it, such as `traceparent`. None of the request's own is ever replaced.
        """
        ...

    def notice(self, notice: Notice, /) -> None:
        """Something has happened."""
        ...


class Hooks:
    """All that watch one client.

    Args:
        watching: the hooks, in the order in which they are called.
    """

    def __init__(self, watching: Sequence[Hook]) -> None:
        self._watching = watching

    def began(self, attempt: AttemptBegan, taken: Collection[str]) -> tuple[tuple[str, str], ...]:
        """Show every hook a request that is about to be sent.

        Args:
            attempt: where it goes.
            taken: names of the request's own headers, in lower case.

        Returns:
            the headers that the hooks add.
        """
        added: dict[str, str] = {}
        for hook in self._watching:
            try:
                for name, value in (hook.began(attempt) or {}).items():
                    lower = name.lower()
                    if not (HEADER_NAME.fullmatch(lower) and value.isascii() and value.isprintable()):
                        raise InvalidOption("a header of a hook", name, "a name and a printable ASCII text")
                    if lower not in taken and lower not in TRANSPORT_HEADERS:
                        added.setdefault(lower, value)
            except Exception:  # noqa: BLE001 - whatever a caller's hook raises
                LOGGER.exception("a hook failed")
        return tuple(added.items())

    def notice(self, notice: Notice) -> None:
        """Show every hook what has happened."""
        for hook in self._watching:
            try:
                hook.notice(notice)
            except Exception:  # noqa: BLE001 - whatever a caller's hook raises
                LOGGER.exception("a hook failed")


class NoticeHook:
    """A hook that is a function of notices.

    Args:
        listen: the function.
    """

    def __init__(self, listen: Callable[[Notice], None]) -> None:
        self.notice = listen

    def began(self, attempt: AttemptBegan) -> None:
        """Ignored: the function gets notices only."""


def build_hooks(on_notice: Callable[[Notice], None] | None, hooks: Iterable[Hook | str] | None) -> Hooks | None:
    """All that watch a client, None if nobody does.

    Args:
        on_notice: a function of notices.
        hooks: hooks, and names of bundled ones.

    Raises:
        UnknownName: no bundled hook has this name.
        InvalidOption: something in the list is no hook.
        UsageError: a bundled hook needs a package that is not installed.
    """
    if isinstance(hooks, str):
        raise InvalidOption("hooks", hooks, "a list of hooks and names")
    given: Sequence[object] = tuple(hooks or ())
    found: list[Hook] = [] if on_notice is None else [NoticeHook(on_notice)]
    for hook in given:
        if isinstance(hook, str):
            found.append(load_bundled(hook))
        elif isinstance(hook, Hook) and not isinstance(hook, type):
            found.append(hook)
        else:
            raise InvalidOption(
                "hooks", hook, "hooks, with the methods `began` and `notice`, and names of bundled ones"
            )
    return Hooks(found) if found else None


@cache
def load_bundled(name: str) -> Hook:
    """The bundled hook of a name, created on first use.

    Raises:
        UnknownName: there is none.
        UsageError: it needs a package that is not installed.
    """
    if name not in BUNDLED:
        raise UnknownName("hook", name, BUNDLED)
    module, made = BUNDLED[name]
    try:
        return cast("Hook", getattr(importlib.import_module(module), made)())
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the hook {name!r} needs the package {error.name}, which is not installed: {install_command(name)}"
        ) from error
