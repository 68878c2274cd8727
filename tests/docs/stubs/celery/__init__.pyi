# SPDX-License-Identifier: Apache-2.0
# As much of Celery as the samples use: the package is not installed here.

from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

class Celery:
    def __init__(self, main: str, *, broker: str) -> None: ...
    def task(self, *, bind: bool, acks_late: bool, max_retries: int | None) -> Callable[[_F], _F]: ...
