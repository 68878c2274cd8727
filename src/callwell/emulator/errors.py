# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with the emulator itself, each with a message of one sentence."""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator cannot start or continue."""


class AddressInUse(EmulatorError):
    """Another process listens on a port that the emulator was asked to use.

    Args:
        port: the port.
    """

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} of 127.0.0.1 is in use: name another one, or 0 for any free one")
        self.port = port


class PortNotPermitted(EmulatorError):
    """This user may not listen on a port that the emulator was asked to use.

    Args:
        port: the port.
    """

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} of 127.0.0.1 is reserved for other users: name one from 1024 on, or 0 for any free one"
        )
        self.port = port


class InvalidPort(EmulatorError):
    """The number that the emulator was asked to use is not a port.

    Args:
        port: the number.
    """

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} does not exist: name one from 1 to 65535, or 0 for any free one")
        self.port = port


class InvalidInput(EmulatorError):
    """A request to the control port, or an option, makes no sense; the message says what was expected."""
