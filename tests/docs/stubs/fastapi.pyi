# SPDX-License-Identifier: Apache-2.0
# As much of FastAPI as the samples use: the package is not installed here.

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

class FastAPI:
    state: Any
    dependency_overrides: dict[Callable[..., Any], Callable[..., Any]]
    def __init__(self, *, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None) -> None: ...
    def get(self, path: str) -> Callable[[_F], _F]: ...

class Request:
    app: FastAPI

def Depends(dependency: Callable[..., Any]) -> Any: ...  # noqa: N802 - FastAPI's name
