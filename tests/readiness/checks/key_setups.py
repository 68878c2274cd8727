# SPDX-License-Identifier: Apache-2.0
"""Machines with a project, key files and a state, as the checks of keys find them: right, wrong, unreadable."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from callwell.keys import Key
from callwell.readiness import drill_record, registry
from callwell.readiness.account_state import open_config
from callwell.readiness.project import ConfiguredAccount, Scope
from callwell.readiness.run import run_check
from callwell.state import open_state
from callwell.testing import ManualClock
from tests.readiness.accounts import make_account, make_project

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.readiness.project import Project
    from callwell.readiness.report import CheckResult

USERPLANE: Final = "uspl_not_a_real_key"
VIDEO: Final = "not-a-real-key"
DAY_S: Final = 86_400.0


@dataclass
class Setup:
    """A machine with a project, key files and a state."""

    folder: Path
    accounts: list[ConfiguredAccount] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The project's folder."""
        (self.folder / "project").mkdir(exist_ok=True)
        return self.folder / "project"

    @property
    def url(self) -> str:
        """The state of its accounts."""
        return f"sqlite:///{self.folder / 'state.db'}"

    def write_key(self, name: str, text: str = USERPLANE, mode: int = 0o600) -> str:
        """Write a key file, and give the place that a setting names."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return f"file:{file}"

    def add(self, provider: str = "userplane", environment: str | None = None, **settings: Any) -> ConfiguredAccount:
        """Add an account."""
        account = make_account(provider, environment, **{"state": self.url, **settings})
        self.accounts.append(account)
        return account

    def use(self, account: ConfiguredAccount, text: str, *, first: float = 0.0, last: float = 0.0) -> None:
        """Record that a key was accepted so many days ago."""
        with_state = open_state(self.url)
        for days in (first, last):
            with open_config(account, with_state) as config:
                uses = config.key_uses()
                uses._clock = ManualClock(wall=time.time() - days * DAY_S)
                uses.record_accepted(Key(text).fingerprint, "here")
        with_state.close()

    def mark(self, account: ConfiguredAccount, text: str) -> None:
        """Mark a key as revoked."""
        state = open_state(self.url)
        with open_config(account, state) as config:
            config.key_uses().set_revoked(Key(text).fingerprint, revoked=True)
        state.close()

    def drill(self, account: ConfiguredAccount, *, days: float, passed: bool = True) -> None:
        """Record a rotation drill."""
        at = time.time() - days * DAY_S
        open_state(self.url).close()
        assert drill_record.record_drill(account, drill_record.ROTATION, passed=passed, at=at)

    def project(self) -> Project:
        """The project."""
        return make_project(self.root, self.files, *self.accounts, scope=Scope(offline=True))

    def check(self, name: str) -> CheckResult:
        """Run a check."""
        return run_check(self.project(), registry.load(f"keys.{name}"))


def own_key(setup: Setup, **settings: Any) -> ConfiguredAccount:
    """An account with a key file as it should be."""
    return setup.add(key=setup.write_key("keys/userplane"), **settings)


def inside_project(setup: Setup) -> None:
    """A key file in the project's folder."""
    setup.add(key=setup.write_key("project/config/key"))


def inside_work_tree(setup: Setup) -> None:
    """A key file in another work tree, whose `.git` may be a file."""
    (setup.folder / "dotfiles").mkdir()
    (setup.folder / "dotfiles" / ".git").write_text("gitdir: elsewhere")
    setup.add(key=setup.write_key("dotfiles/config/key"))


def linked_into_project(setup: Setup) -> None:
    """A link outside that leads to a file in the project."""
    setup.write_key("project/key")
    (setup.folder / "link").symlink_to(setup.folder / "project" / "key")
    setup.add(key=f"file:{setup.folder / 'link'}")


def readable(setup: Setup) -> None:
    """A key file that others can read."""
    setup.add(key=setup.write_key("keys/userplane", mode=0o644))


def replaceable(setup: Setup) -> None:
    """A folder in which others can put another file."""
    own_key(setup)
    (setup.folder / "keys").chmod(0o777)


def missing(setup: Setup) -> None:
    """A key file that is not there."""
    setup.add(key=f"file:{setup.folder / 'none'}")


def malformed(setup: Setup) -> None:
    """A whole line of an env file in place of a key."""
    setup.add(key=setup.write_key("key", f"USERPLANE_API_KEY={USERPLANE}"))


def in_variable(setup: Setup) -> None:
    """A key in a variable."""
    setup.add(key="env:NO_SUCH_KEY_HERE")


def same_key_in_both(setup: Setup) -> None:
    """The sandbox's key is production's."""
    place = setup.write_key("key", VIDEO)
    setup.use(setup.add("apivideo", key=place), VIDEO)
    setup.add("apivideo", "sandbox", key=place, in_use=False)


def bound_elsewhere(setup: Setup) -> None:
    """The key of production was accepted by the sandbox."""
    sandbox = setup.add("apivideo", "sandbox", key=setup.write_key("other", "another-key"), in_use=False)
    setup.add("apivideo", key=setup.write_key("key", VIDEO))
    setup.use(sandbox, VIDEO)


def own_keys_in_both(setup: Setup) -> None:
    """Each environment has its own."""
    sandbox = setup.add("apivideo", "sandbox", key=setup.write_key("other", "another-key"), in_use=False)
    setup.use(setup.add("apivideo", key=setup.write_key("key", VIDEO)), VIDEO)
    setup.use(sandbox, "another-key")


def two_accounts(setup: Setup) -> None:
    """One key under two names of accounts, one of them used in the past."""
    account = own_key(setup)
    other = make_account("userplane", state=setup.url, account="reports", key=str(account.settings["key"].value))
    setup.use(account, USERPLANE)
    setup.use(other, USERPLANE)


def two_hosts(setup: Setup) -> None:
    """One key at the provider and at a gateway."""
    account = own_key(setup)
    setup.use(account, USERPLANE)
    setup.use(make_account("userplane", state=setup.url, base_url="https://gateway.example.org"), USERPLANE)


def one_host_and_an_emulator(setup: Setup) -> None:
    """What a key does on this machine does not count; an IPv6 address is an address."""
    account = own_key(setup)
    setup.use(account, USERPLANE)
    setup.use(make_account("userplane", state=setup.url, base_url="http://[::1]:8100"), USERPLANE)


def shared_by_design(setup: Setup) -> None:
    """Two environments that have one key by the profile."""
    place = setup.write_key("key", VIDEO)
    for environment in ("rapidapi_scripted", "rapidapi_unscripted"):
        setup.use(setup.add("language_confidence", environment, key=place), VIDEO)


def idle(setup: Setup) -> None:
    """An old key that was replaced a long time ago."""
    account = own_key(setup)
    setup.use(account, USERPLANE)
    setup.use(account, "uspl_old", first=90, last=31)


def idle_but_revoked(setup: Setup) -> None:
    """The same, after it was marked as revoked; and one that was used a week ago."""
    idle(setup)
    setup.mark(setup.accounts[0], "uspl_old")
    setup.use(setup.accounts[0], "uspl_recent", first=60, last=7)


def old(setup: Setup) -> None:
    """A key near the end of its longest life."""
    setup.use(own_key(setup), USERPLANE, first=80)


def without_expiry(setup: Setup) -> None:
    """A key that is older than that."""
    setup.use(own_key(setup), USERPLANE, first=100)


def young(setup: Setup) -> None:
    """A key of this month, with a drill of last week."""
    setup.drill(own_key(setup), days=7)
    setup.use(setup.accounts[0], USERPLANE, first=20)


def video(setup: Setup) -> None:
    """A provider without an expiry."""
    setup.add("apivideo", key=setup.write_key("key", VIDEO))


def drill_failed(setup: Setup) -> None:
    """The last drill has failed."""
    setup.drill(own_key(setup), days=1, passed=False)


def drill_old(setup: Setup) -> None:
    """The last drill was long ago."""
    setup.drill(own_key(setup), days=91)


def drill_of_other_settings(setup: Setup) -> None:
    """The deadline was changed after the drill."""
    setup.drill(make_account("userplane", state=setup.url, key=setup.write_key("key"), deadline=30.0), days=1)
    setup.add(key=f"file:{setup.folder / 'key'}", deadline=10.0)


def no_state_file(setup: Setup) -> None:
    """No client has run yet."""
    own_key(setup)


def in_memory(setup: Setup) -> None:
    """The settings share nothing."""
    own_key(setup, state="memory:")


def in_memory_by_code(setup: Setup) -> None:
    """The code chooses a state of its own, although no setting does."""
    setup.accounts.append(make_account("userplane", key=setup.write_key("key")))
    setup.files["app.py"] = 'from callwell import Client\n\nclient = Client("userplane", state="memory:")\n'


def not_a_state(setup: Setup) -> None:
    """A file of another kind."""
    own_key(setup)
    (setup.folder / "state.db").write_text("no state")


def looping_link(setup: Setup) -> None:
    """A link to itself."""
    (setup.folder / "loop").symlink_to(setup.folder / "loop")
    setup.add(key=f"file:{setup.folder / 'loop'}")
