# SPDX-License-Identifier: Apache-2.0
# Generated from src/callwell/client/group.py by tools/unasync.py; do not edit
"""Groups of operations with a common first name, as methods: `client.things.get`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from callwell.client.calls.operations import method_names, operation_of_saving_method

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client._sync.calls.stream import Stream
    from callwell.client._sync.downloads.asset import Asset
    from callwell.client._sync.pages.pager import Pager
    from callwell.client.downloads.partial_file import Saved
    from callwell.client.uploads.options import Uploaded, UploadOptions
    from callwell.description.provider import Provider


class GroupClient(Protocol):
    """What a group needs from its client.

    Attributes:
        provider: the provider's description.
    """

    provider: Provider

    def call(self, operation: str, /, **arguments: object) -> Any:
        """Call an operation by name."""
        ...

    def pages(self, operation: str, /, **arguments: object) -> Pager[Any]:
        """The items of a list operation."""
        ...

    def stream(self, operation: str, /, **arguments: object) -> Stream[Any]:
        """The events or values that an operation streams."""
        ...

    def asset(self, operation: str, /, **arguments: object) -> Asset:
        """The file that an operation leads to."""
        ...

    def upload(self, operation: str, file: object, /, **arguments: Any) -> Uploaded[Any]:
        """Send one large file."""
        ...


class Group:
    """Operations with a common first name.

    Args:
        client: makes the calls.
    """

    def __init__(self, client: GroupClient) -> None:
        self._client = client

    def _call(self, name: str, arguments: Mapping[str, object]) -> Any:
        return self._client.call(name, **arguments)

    def _pages(self, name: str, arguments: Mapping[str, object]) -> Pager[Any]:
        return self._client.pages(name, **arguments)

    def _stream(self, name: str, arguments: Mapping[str, object]) -> Stream[Any]:
        return self._client.stream(name, **arguments)

    def _asset(self, name: str, arguments: Mapping[str, object]) -> Asset:
        return self._client.asset(name, **arguments)

    def _upload(
        self, name: str, file: object, arguments: Mapping[str, object], options: UploadOptions
    ) -> Uploaded[Any]:
        return self._client.upload(name, file, **arguments, **options)


class DynamicGroup(Group):
    """A group of a description without a generated class.

    Args:
        client: makes the calls.
        name: the first part of the operations' names.
    """

    def __init__(self, client: GroupClient, name: str) -> None:
        super().__init__(client)
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        saved = operation_of_saving_method(self._client.provider, self._name, name)
        if saved is not None:
            return partial(self._save, saved)
        operation = f"{self._name}.{name}"
        rule = self._client.provider.rule(operation)
        if rule.upload:
            return partial(self._client.upload, operation)
        if rule.paging:
            return partial(self._client.pages, operation)
        if rule.asset:
            return partial(self._client.asset, operation)
        if self._client.provider.operation(operation).only_streams:
            return partial(self._client.stream, operation)
        return partial(self._client.call, operation)

    def __dir__(self) -> list[str]:
        """The attributes, including the operations of the group."""
        return sorted({*super().__dir__(), *method_names(self._client.provider, self._name)})

    def _save(
        self, operation: str, /, *values: Any, progress: Callable[[int], None] | None = None, **named: Any
    ) -> Saved:
        names = [parameter.name for parameter in self._client.provider.operation(operation).parameters]
        arguments = dict(zip([*names, "path"], values, strict=False)) | named
        path = arguments.pop("path", "")
        return self._client.asset(operation, **arguments).save(path, resume=True, progress=progress)
