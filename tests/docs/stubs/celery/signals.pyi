# SPDX-License-Identifier: Apache-2.0
# The same for its signals.

from collections.abc import Callable
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

class Signal:
    def connect(self, receiver: _F) -> _F: ...

worker_process_init: Signal
worker_process_shutdown: Signal
