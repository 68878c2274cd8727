# SPDX-License-Identifier: Apache-2.0
"""The stage of a drill: an emulator, and the accounts of a project pointed at it.

Nothing of a stage outlives it: keys, state and everything else are in a temporary folder. No real key can get here,
because clients on a stage read the key file that it wrote.
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
from callwell.emulator.registry import can_play
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
"""Objects in each emulated account: enough for every list to have one."""

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
"""The user's settings that hold in a drill. Address, key, state, proxy and certificates are the stage's own."""


class StagedAccount(NamedTuple):
    """An account on the stage.

    Attributes:
        account: the account.
        base_url: the address of its emulation.
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
        """The options of that client.

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


class Stage:
    """Accounts and the emulator that plays their providers.

    Args:
        running: the emulator.
        accounts: the accounts on the stage.
        folder: an empty folder that is removed with the stage.

    Attributes:
        issued: the emulator's fingerprints of all keys that it has given out.
    """

    def __init__(self, running: Running, accounts: tuple[StagedAccount, ...], folder: Path) -> None:
        self._control = ControlClient(running.control)
        self.accounts = accounts
        self.folder = folder
        self.issued = {staged.fingerprint for staged in accounts}

    @property
    def in_use(self) -> tuple[StagedAccount, ...]:
        """The accounts with which the project makes its calls."""
        return tuple(staged for staged in self.accounts if staged.account.in_use)

    @property
    def ports(self) -> list[int]:
        """Where a program reaches the emulator."""
        return sorted({urlsplit(staged.base_url).port or 0 for staged in self.accounts})

    def inject(self, faults: Iterable[tuple[StagedAccount, Sequence[dict[str, Any]]]]) -> None:
        """Let the emulator fail for some accounts from now on, and for no other.

        Args:
            faults: the accounts, each with rules of the emulator that do not name the provider.
        """
        self._control.post(
            "/faults", [{**rule, "provider": staged.label} for staged, rules in faults for rule in rules]
        )

    def rows(self) -> list[LedgerRow]:
        """Every request so far, in order of arrival."""
        return msgspec.convert(self._control.get("/ledger/requests"), list[LedgerRow])

    def count_over_quota(self, staged: StagedAccount) -> int:
        """How many requests of an account went beyond its quota."""
        ledger = self._control.get("/ledger")
        found = ledger.get(staged.label) or ledger[staged.account.provider.name]
        over: int = found["counts"]["over_quota"]
        return over

    def rotate_key(self, staged: StagedAccount) -> str:
        """Make a new key for an account; the old one is refused from now on.

        Returns:
            the new key, which `write_key` gives to the program.
        """
        key: str = self._control.post("/keys/rotate", {"provider": staged.label})["key"]
        self.issued.add(key_fingerprint(key))
        return key


def write_key(file: Path, key: str) -> None:
    """Write a key to its file in one step: a program may read it at any time."""
    folders.write(file, [key.encode()], mode=0o600)


@contextmanager
def open_stage(
    accounts: Sequence[ConfiguredAccount],
    clock: ScaledClock | None = None,
    *,
    start: Callable[[EmulatorOptions], Running] = process.start,
) -> Iterator[Stage]:
    """Start an emulator, and point accounts at it.

    Args:
        accounts: the accounts; those of providers that cannot be emulated are left out.
        clock: the emulator's clock; None for the machine's own.
        start: starts the emulator.

    Raises:
        CannotCheck: the emulator cannot be started.
    """
    names = tuple(dict.fromkeys(account.provider.name for account in accounts if can_play(account.provider.name)))
    options = EmulatorOptions(provider=names, recordings=RECORDINGS, window="sliding")
    if clock is None:
        # A program that retries at once would use the quota up, and then wait for it: that takes a real minute.
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
            staged = tuple(_stage_account(running, account, folder) for account in emulated)
            yield Stage(running, staged, folder)


def _is_emulated(running: Running, account: ConfiguredAccount) -> bool:
    return account.environment in running.endpoints.providers.get(account.provider.name, ())


def _stage_account(running: Running, account: ConfiguredAccount, folder: Path) -> StagedAccount:
    endpoint = running.endpoint(account.provider.name, account.environment)
    own = folder / account.provider.name / account.environment
    own.mkdir(parents=True, mode=0o700)
    write_key(own / "key", endpoint.key)
    return StagedAccount(
        account=account,
        base_url=endpoint.base_url,
        key_file=own / "key",
        state=f"sqlite:///{own / 'state.db'}",
    )
