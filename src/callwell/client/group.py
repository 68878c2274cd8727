# SPDX-License-Identifier: Apache-2.0
"""Groups of operations with a common first name, as methods: `client.things.get`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from callwell.client.calls.operations import method_names, operation_of_saving_method

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callwell.client.calls.stream import AsyncStream
    from callwell.client.downloads.asset import AsyncAsset
    from callwell.client.downloads.partial_file import Saved
    from callwell.client.pages.pager import AsyncPager
    from callwell.client.uploads.options import Uploaded, UploadOptions
    from callwell.description.provider import Provider


class AsyncGroupClient(Protocol):
    """What a group needs from its client.

    Attributes:
        provider: the provider's description.
    """

    provider: Provider

    async def call(self, operation: str, /, **arguments: object) -> Any:
        """Call an operation by name."""
        ...

    def pages(self, operation: str, /, **arguments: object) -> AsyncPager[Any]:
        """The items of a list operation."""
        ...

    def stream(self, operation: str, /, **arguments: object) -> AsyncStream[Any]:
        """The events or values that an operation streams."""
        ...

    def asset(self, operation: str, /, **arguments: object) -> AsyncAsset:
        """The file that an operation leads to."""
        ...

    async def upload(self, operation: str, file: object, /, **arguments: Any) -> Uploaded[Any]:
        """Send one large file."""
        ...


class AsyncGroup:
    """Operations with a common first name.

    Args:
        client: makes the calls.
    """

    def __init__(self, client: AsyncGroupClient) -> None:
        self._client = client

    async def _call(self, name: str, arguments: Mapping[str, object]) -> Any:
        return await self._client.call(name, **arguments)

    def _pages(self, name: str, arguments: Mapping[str, object]) -> AsyncPager[Any]:
        return self._client.pages(name, **arguments)

    def _stream(self, name: str, arguments: Mapping[str, object]) -> AsyncStream[Any]:
        return self._client.stream(name, **arguments)

    def _asset(self, name: str, arguments: Mapping[str, object]) -> AsyncAsset:
        return self._client.asset(name, **arguments)

    async def _upload(
        self, name: str, file: object, arguments: Mapping[str, object], options: UploadOptions
    ) -> Uploaded[Any]:
        return await self._client.upload(name, file, **arguments, **options)


class AsyncDynamicGroup(AsyncGroup):
    """A group of a description without a generated class.

    Args:
        client: makes the calls.
        name: the first part of the operations' names.
    """

    def __init__(self, client: AsyncGroupClient, name: str) -> None:
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

    async def _save(
        self, operation: str, /, *values: Any, progress: Callable[[int], None] | None = None, **named: Any
    ) -> Saved:
        names = [parameter.name for parameter in self._client.provider.operation(operation).parameters]
        arguments = dict(zip([*names, "path"], values, strict=False)) | named
        path = arguments.pop("path", "")
        return await self._client.asset(operation, **arguments).save(path, resume=True, progress=progress)
