# SPDX-License-Identifier: Apache-2.0
"""A key in the desktop's keyring: macOS Keychain, Secret Service, KWallet. `keyring:SERVICE/NAME`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from callwell.errors import InvalidOption, KeyMissing
from callwell.extras import install_command
from callwell.keys.key import Key
from callwell.keys.spec import StoringGuide

if TYPE_CHECKING:
    from callwell.keys.spec import SourceSpec

LEASE_S: Final = 60.0
"""A keyring is on this machine: reading takes milliseconds, and may prompt the person."""


class DesktopKeyringSource:
    """A password in a keyring.

    Args:
        spec: `keyring:SERVICE/NAME`; the service may contain slashes. Option: `lease`, in seconds.

    Raises:
        InvalidOption: there is no service or no name.
    """

    can_change = True
    file = None

    def __init__(self, spec: SourceSpec) -> None:
        spec.check_options(("lease",))
        self.lease_s: float | None = spec.seconds("lease", LEASE_S)
        self._service, _, self._name = spec.place.rpartition("/")
        if not self._service or not self._name:
            raise InvalidOption("key", "keyring:…", "keyring:SERVICE/NAME")
        self.location = f"keyring:{spec.place}"

    def read(self) -> Key:
        """The password.

        Raises:
            KeyMissing: there is none, or no readable keyring.
        """
        try:
            import keyring
            from keyring.errors import KeyringLocked, NoKeyringError
        except ImportError as error:
            hint = install_command("keyring")
            raise KeyMissing(f"no key: {self.location} needs the package keyring: {hint}") from error
        try:
            key = Key(keyring.get_password(self._service, self._name) or "")
        except NoKeyringError:
            raise KeyMissing(
                f"no key: {self.location}: this machine has no keyring; on a server, use a file or a secret store"
            ) from None
        except KeyringLocked:
            raise KeyMissing(f"no key: {self.location}: the keyring is locked; unlock it") from None
        except Exception as error:  # noqa: BLE001 - each system's keyring has errors of its own
            raise KeyMissing(f"no key: {self.location} cannot be read: {type(error).__name__}") from None
        if not key:
            raise KeyMissing(
                f"no key: {self.location}: the keyring has none; store it: keyring set {self._service} {self._name}"
            )
        return key

    def how_to_store(self) -> StoringGuide:
        """The keyring's own command, which asks for the password."""
        return StoringGuide(
            "Store the new key in the keyring. The command asks for it and does not show it.",
            (f"keyring set {shlex.quote(self._service)} {shlex.quote(self._name)}",),
        )

    def revision(self) -> object:
        """Constant: a keyring does not announce changes."""
        return None
