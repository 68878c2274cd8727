# SPDX-License-Identifier: Apache-2.0
"""A key in HashiCorp Vault or OpenBao, in a KV engine of version 2: `vault:MOUNT/PATH#FIELD`.

Address, token and namespace are those of the vault command line: VAULT_ADDR, VAULT_TOKEN or ~/.vault-token,
VAULT_NAMESPACE, VAULT_CACERT. The token is read each time, so another program may renew it.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any, Final

from callwell.errors import InvalidOption, KeyMissing
from callwell.extras import install_command
from callwell.keys.fields import pick_field, split_field
from callwell.keys.spec import StoringGuide

if TYPE_CHECKING:
    from callwell.keys.key import Key
    from callwell.keys.spec import SourceSpec

LEASE_S: Final = 60.0
"""A read takes milliseconds in a local network, and a new version is seen within a minute."""

TIMEOUT_S: Final = 10.0
"""Seconds for one request."""


class VaultSource:
    """A secret in Vault.

    Args:
        spec: `vault:MOUNT/PATH#FIELD`; the field may be omitted if there is only one. Options: `mount`, for a mount
            with slashes (the place is then only the path); `lease`, in seconds.

    Raises:
        InvalidOption: there is no mount or no path.
    """

    can_change = True
    file = None

    def __init__(self, spec: SourceSpec) -> None:
        spec.check_options(("lease", "mount"))
        self.lease_s: float | None = spec.seconds("lease", LEASE_S)
        path, self._field = split_field(spec.place)
        self._mount = spec.options.get("mount", "")
        if not self._mount:
            self._mount, _, path = path.partition("/")
        self._path = path
        if not self._mount or not path:
            raise InvalidOption("key", "vault:…", "vault:MOUNT/PATH#FIELD")
        self.location = f"vault:{spec.place}"

    def read(self) -> Key:
        """The field in the newest version.

        Raises:
            KeyMissing: there is no such secret or field, or Vault does not return it.
        """
        try:
            import hvac
            from hvac.exceptions import Forbidden, InvalidPath, VaultError
        except ImportError as error:
            raise KeyMissing(f"no key: {self.location} needs the package hvac: {install_command('vault')}") from error
        if not os.environ.get("VAULT_ADDR"):
            raise KeyMissing(f"no key: {self.location}: set VAULT_ADDR to the address of Vault")
        try:
            values = self._fetch(hvac.Client(namespace=os.environ.get("VAULT_NAMESPACE"), timeout=TIMEOUT_S))
        except InvalidPath:
            hint = "the path is named without data/, as in: vault kv get -mount=MOUNT PATH"
            raise KeyMissing(f"no key: {self.location}: Vault has no such secret, or it was deleted; {hint}") from None
        except Forbidden:
            raise KeyMissing(
                f"no key: {self.location}: Vault refuses the token (VAULT_TOKEN); it may have expired, or have no "
                f"policy that reads {self._mount}/data/{self._path}"
            ) from None
        except VaultError as error:
            raise KeyMissing(f"no key: {self.location}: Vault fails: {type(error).__name__}") from None
        except (OSError, ValueError) as error:  # from the HTTP library
            raise KeyMissing(
                f"no key: {self.location}: Vault at {_host()} cannot be reached: {type(error).__name__}"
            ) from None
        return pick_field(values, self._field, self.location)

    def revision(self) -> object:
        """Constant: Vault is asked when the lease ends."""
        return None

    def how_to_store(self) -> StoringGuide:
        """Instructions for a new version of the secret, with its other fields unchanged."""
        return StoringGuide(
            "Write a new version of the secret. The command reads the key from its input: paste it, press Enter, then "
            "Ctrl-D.",
            (f"vault kv patch -mount={shlex.quote(self._mount)} {shlex.quote(self._path)} {self._field or 'FIELD'}=-",),
        )

    def _fetch(self, client: Any) -> dict[str, Any]:
        try:
            answer = client.secrets.kv.v2.read_secret_version(
                path=self._path, mount_point=self._mount, raise_on_deleted_version=True
            )
        finally:
            client.adapter.close()
        values = answer.get("data", {}).get("data")
        return values if isinstance(values, dict) else {}


def _host() -> str:
    """The host in VAULT_ADDR, without a preceding password."""
    return os.environ.get("VAULT_ADDR", "").partition("://")[2].rpartition("@")[2].partition("/")[0]
