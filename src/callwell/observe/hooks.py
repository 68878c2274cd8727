# SPDX-License-Identifier: Apache-2.0
"""Hooks that observe calls: a program's own, and the bundled ones by name.

A bundled hook is created, and the package that it needs is imported, when a client first names it. All clients of a
process share it.
"""

from __future__ import annotations

import importlib
import re
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol, cast, runtime_checkable

from callwell.errors import InvalidOption, UnknownName, UsageError
from callwell.observe.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from callwell.observe.notices import AttemptBegan, Notice

BUNDLED: Final = {
    "opentelemetry": ("callwell.observe.opentelemetry", "OpenTelemetryHook"),
    "prometheus": ("callwell.observe.prometheus", "PrometheusHook"),
}
"""Name → module and class."""

HEADER_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
"""A lower-case header name: a token of RFC 9110, section 5.6.2."""

TRANSPORT_HEADERS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "user-agent", "accept-encoding"}
)
"""Headers that the transport writes itself; a hook cannot add them."""


@runtime_checkable
class Hook(Protocol):
    """Observes the calls of a client. It must not block. What it raises is logged and never affects a call.

    It runs in the thread or task that makes the call, so possibly in several concurrently.
    """

    def began(self, attempt: AttemptBegan, /) -> Mapping[str, str] | None:
        """A request is about to be sent.

        Args:
            attempt: the request.

        Returns:
            headers to send with it, such as `traceparent`. The request's own headers are never replaced.
        """
        ...

    def notice(self, notice: Notice, /) -> None:
        """Something has happened."""
        ...


class Hooks:
    """All hooks of one client.

    Args:
        hooks: in the order in which they are called.
    """

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._hooks = hooks

    def began(self, attempt: AttemptBegan, taken: Collection[str]) -> tuple[tuple[str, str], ...]:
        """Pass a request that is about to be sent to every hook.

        Args:
            attempt: the request.
            taken: names of the request's own headers, in lower case.

        Returns:
            the headers that the hooks add.
        """
        added: dict[str, str] = {}
        for hook in self._hooks:
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
        """Pass a notice to every hook."""
        for hook in self._hooks:
            try:
                hook.notice(notice)
            except Exception:  # noqa: BLE001 - whatever a caller's hook raises
                LOGGER.exception("a hook failed")


class NoticeHook:
    """A hook made from a function that takes notices.

    Args:
        listen: the function.
    """

    def __init__(self, listen: Callable[[Notice], None]) -> None:
        self.notice = listen

    def began(self, attempt: AttemptBegan) -> None:
        """Do nothing: the function takes notices only."""


def build_hooks(on_notice: Callable[[Notice], None] | None, hooks: Iterable[Hook | str] | None) -> Hooks | None:
    """The hooks of a client; None if it has none.

    Args:
        on_notice: a function that takes notices.
        hooks: hooks, and names of bundled ones.

    Raises:
        UnknownName: no bundled hook has this name.
        InvalidOption: something in the list is not a hook.
        UsageError: a bundled hook needs a package that is not installed.
    """
    if isinstance(hooks, str):
        raise InvalidOption("hooks", hooks, "a list of hooks and names")
    listed: Sequence[object] = tuple(hooks or ())
    built: list[Hook] = [] if on_notice is None else [NoticeHook(on_notice)]
    for hook in listed:
        if isinstance(hook, str):
            built.append(load_bundled(hook))
        elif isinstance(hook, Hook) and not isinstance(hook, type):
            built.append(hook)
        else:
            raise InvalidOption(
                "hooks", hook, "hooks, with the methods `began` and `notice`, and names of bundled ones"
            )
    return Hooks(built) if built else None


@cache
def load_bundled(name: str) -> Hook:
    """The bundled hook of a name, created on first use.

    Raises:
        UnknownName: there is none.
        UsageError: it needs a package that is not installed.
    """
    if name not in BUNDLED:
        raise UnknownName("hook", name, BUNDLED)
    module, class_name = BUNDLED[name]
    try:
        return cast("Hook", getattr(importlib.import_module(module), class_name)())
    except ModuleNotFoundError as error:
        from callwell.extras import install_command

        raise UsageError(
            f"the hook {name!r} needs the package {error.name}, which is not installed: {install_command(name)}"
        ) from error
