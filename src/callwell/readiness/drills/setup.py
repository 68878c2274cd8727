# SPDX-License-Identifier: Apache-2.0
"""The setup of a drill: an emulator, and the accounts of a project pointed at it.

Everything in a setup is temporary: keys, state and all else are in a temporary folder. No real key is used, because
clients read the key file that the setup wrote.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from callwell import folders
from callwell.client.settings import SETTINGS
from callwell.emulator import process
from callwell.emulator.control_client import ControlClient
from callwell.emulator.errors import EmulatorError
from callwell.emulator.keys import key_fingerprint
from callwell.emulator.ledger import LedgerRow
from callwell.emulator.options import EmulatorOptions
from callwell.emulator.registry import can_emulate
from callwell.extras import install_command
from callwell.readiness.check import CannotCheck

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from callwell.client import AsyncClient
    from callwell.client.calls.options import ClientOptions
    from callwell.clock import ScaledClock
    from callwell.emulator.process import Running
    from callwell.readiness.project import ConfiguredAccount

RECORDINGS: Final = 10
"""The number of objects in each emulated account: enough for no list to be empty."""

UNLIMITED: Final = 1_000_000

INHERITED_SETTINGS: Final = (
    "auth",
    "account",
    "plan",
    "alpha",
    "user_secret",
    "deadline",
    "exactly_once",
    "key_header",
)
"""The user's settings that apply in a drill. Address, key, state, proxy and certificates are the setup's own."""


class DrillAccount(NamedTuple):
    """An account of the setup.

    Attributes:
        account: the account of the project.
        base_url: the URL of its emulation.
        key_file: the file with its key.
        state: the state of its clients.
    """

    account: ConfiguredAccount
    base_url: str
    key_file: Path
    state: str

    @property
    def label(self) -> str:
        """Provider and environment, as the emulator names them."""
        return f"{self.account.provider.name}/{self.account.environment}"

    def read_key(self) -> str:
        """The key in the file."""
        return self.key_file.read_text(encoding="ascii")

    @property
    def fingerprint(self) -> str:
        """The emulator's fingerprint of the key in the file."""
        return key_fingerprint(self.read_key())

    def client(self, clock: ScaledClock) -> AsyncClient:
        """Open a client with the user's settings for bulk work.

        Args:
            clock: the emulator's clock.
        """
        from callwell.client import AsyncClient

        return AsyncClient(self.account.provider, **self.options(clock))

    def options(self, clock: ScaledClock) -> ClientOptions:
        """The options of such a client.

        Args:
            clock: the emulator's clock.
        """
        settings = self.account.settings
        kept: Any = {
            SETTINGS[name].keyword: settings[name].value
            for name in INHERITED_SETTINGS
            if name in settings and settings[name].value is not None
        }
        if self.account.provider.profile.end_user is not None and ("user_secret" in kept or "plan" in kept):
            kept["for_user"] = "drill"
        own: ClientOptions = {
            "environment": self.account.environment,
            "base_url": self.base_url,
            "key": f"file:{self.key_file}",
            "state": self.state,
            "clock": clock,
            "priority": "batch",
        }
        return {**kept, **own}


class DrillSetup:
    """An emulator and the accounts that it emulates.

    Args:
        running: the emulator.
        accounts: the accounts.
        folder: an empty folder that is removed afterwards.

    Attributes:
        issued: the fingerprints of all keys that the emulator issued.
    """

    def __init__(self, running: Running, accounts: tuple[DrillAccount, ...], folder: Path) -> None:
        self._control = ControlClient(running.control)
        self.accounts = accounts
        self.folder = folder
        self.issued = {drilled.fingerprint for drilled in accounts}

    @property
    def in_use(self) -> tuple[DrillAccount, ...]:
        """The accounts with which the project makes its calls."""
        return tuple(drilled for drilled in self.accounts if drilled.account.in_use)

    @property
    def ports(self) -> list[int]:
        """The ports of the emulator."""
        return sorted({urlsplit(drilled.base_url).port or 0 for drilled in self.accounts})

    def inject(self, faults: Iterable[tuple[DrillAccount, Sequence[dict[str, Any]]]]) -> None:
        """Inject faults for some accounts from now on, replacing all earlier faults.

        Args:
            faults: accounts, each with rules of the emulator without `provider`.
        """
        self._control.post(
            "/faults", [{**rule, "provider": drilled.label} for drilled, rules in faults for rule in rules]
        )

    def rows(self) -> list[LedgerRow]:
        """Every request so far, in order of arrival."""
        return msgspec.convert(self._control.get("/ledger/requests"), list[LedgerRow])

    def count_over_quota(self, drilled: DrillAccount) -> int:
        """Count the requests of an account beyond its quota."""
        ledger = self._control.get("/ledger")
        found = ledger.get(drilled.label) or ledger[drilled.account.provider.name]
        over: int = found["counts"]["over_quota"]
        return over

    def rotate_key(self, drilled: DrillAccount) -> str:
        """Issue a new key for an account; the old one is refused from now on.

        Returns:
            the new key, to be passed to the program by `write_key`.
        """
        key: str = self._control.post("/keys/rotate", {"provider": drilled.label})["key"]
        self.issued.add(key_fingerprint(key))
        return key


def write_key(file: Path, key: str) -> None:
    """Write a key to its file atomically, because a program may read it at any time."""
    folders.write(file, [key.encode()], mode=0o600)


@contextmanager
def set_up_drill(
    accounts: Sequence[ConfiguredAccount],
    clock: ScaledClock | None = None,
    *,
    start: Callable[[EmulatorOptions], Running] = process.start,
) -> Iterator[DrillSetup]:
    """Start an emulator, and point accounts at it.

    Args:
        accounts: the accounts; those of providers that cannot be emulated are left out.
        clock: the emulator's clock; None for the machine's own.
        start: starts the emulator.

    Raises:
        CannotCheck: the emulator cannot be started.
    """
    names = tuple(dict.fromkeys(account.provider.name for account in accounts if can_emulate(account.provider.name)))
    options = EmulatorOptions(provider=names, recordings=RECORDINGS, window="sliding")
    if clock is None:
        # A program that retries at once would use up the quota, and then wait a real minute for it.
        options = replace(options, per_minute=UNLIMITED, per_day=UNLIMITED)
    else:
        options = replace(options, clock=str(clock))
    with TemporaryDirectory(prefix="callwell-drill-") as name:
        try:
            running = start(options)
        except EmulatorError as error:
            raise CannotCheck(
                f"the emulator could not be started: {error}", f"Install it: {install_command('emulator')}"
            ) from error
        with running:
            folder = Path(name)
            emulated = [account for account in accounts if _is_emulated(running, account)]
            drilled = tuple(_set_up_account(running, account, folder) for account in emulated)
            yield DrillSetup(running, drilled, folder)


def _is_emulated(running: Running, account: ConfiguredAccount) -> bool:
    return account.environment in running.endpoints.providers.get(account.provider.name, ())


def _set_up_account(running: Running, account: ConfiguredAccount, folder: Path) -> DrillAccount:
    endpoint = running.endpoint(account.provider.name, account.environment)
    own = folder / account.provider.name / account.environment
    own.mkdir(parents=True, mode=0o700)
    write_key(own / "key", endpoint.key)
    return DrillAccount(
        account=account,
        base_url=endpoint.base_url,
        key_file=own / "key",
        state=f"sqlite:///{own / 'state.db'}",
    )
