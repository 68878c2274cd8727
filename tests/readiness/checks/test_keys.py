# SPDX-License-Identifier: Apache-2.0
"""The checks of keys: found, not found, incomplete, does not apply. No finding shows a key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from callwell.keys import Key
from callwell.readiness import drill_record, registry
from callwell.readiness.report import CheckOutcome
from callwell.readiness.run import run_check
from tests.readiness.accounts import make_account, make_project
from tests.readiness.checks import key_setups as made
from tests.readiness.checks.key_setups import USERPLANE, VIDEO, Setup

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

F: Final = Key(USERPLANE).fingerprint


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """An empty one, outside any work tree of git."""
    return Setup(tmp_path)


def found(check: str, build: Callable[[Setup], Any], what: str) -> Any:
    """A case with one finding."""
    return pytest.param(check, build, what, id=f"{check} {build.__name__}")


@pytest.mark.parametrize(
    ("check", "build", "what"),
    [
        found("inside-tree", made.inside_project, "inside the project"),
        found("inside-tree", made.linked_into_project, "inside the project"),
        found("inside-tree", made.inside_work_tree, "inside a work tree of git"),
        found("file-mode", made.readable, "has mode 0644"),
        found("file-mode", made.replaceable, "the folder of the key file has mode 0777"),
        found("present", made.missing, "cannot be read: No such file"),
        found("present", made.in_variable, "NO_SUCH_KEY_HERE is not set"),
        found("present", made.malformed, "userplane/production: what is there"),
        found("rotatable", made.in_variable, "needs a restart"),
        found("environment", made.same_key_in_both, "apivideo/production and apivideo/sandbox have the same key"),
        found("environment", made.bound_elsewhere, "belongs to environment sandbox"),
        found("one-per-system", made.same_key_in_both, "is used by apivideo/production; apivideo/sandbox"),
        found(
            "one-per-system",
            made.two_accounts,
            f"{F} is used by userplane/production; userplane/production, account re",
        ),
        found("one-per-system", made.two_hosts, "userplane/production at gateway.example.org"),
        found("unused", made.idle, f"the key {Key('uspl_old').fingerprint} was last used 31 days ago"),
        found("age", made.old, "expires within 10 days"),
        found("age", made.without_expiry, "longer than the 90 days"),
        found("rotation-drill", made.old, "was never tried"),
        found("rotation-drill", made.drill_failed, "failed"),
        found("rotation-drill", made.drill_old, "is 91 days old"),
        found("rotation-drill", made.drill_of_other_settings, "had other settings"),
    ],
)
def test_found(setup: Setup, check: str, build: Callable[[Setup], None], what: str) -> None:
    """Each fault is one finding, with a place or a fingerprint, and no key is in it."""
    build(setup)
    result = setup.check(check)
    [finding] = result.findings
    assert what in finding.what
    assert result.unchecked == ()
    assert USERPLANE not in str(result)
    assert VIDEO not in str(result)


@pytest.mark.parametrize(
    ("check", "build"),
    [
        ("inside-tree", made.own_key),
        ("file-mode", made.own_key),
        ("present", made.own_key),
        ("rotatable", made.own_key),
        ("environment", made.own_keys_in_both),
        ("one-per-system", made.own_keys_in_both),
        ("one-per-system", made.one_host_and_an_emulator),
        ("one-per-system", made.shared_by_design),
        ("unused", made.idle_but_revoked),
        ("age", made.young),
        ("rotation-drill", made.young),
    ],
)
def test_not_found(setup: Setup, check: str, build: Callable[[Setup], Any]) -> None:
    """What is as it should be passes."""
    build(setup)
    result = setup.check(check)
    assert (result.findings, result.unchecked, result.outcome) == ((), (), CheckOutcome.PASSED)


@pytest.mark.parametrize("check", ["one-per-system", "unused", "age", "rotation-drill"])
@pytest.mark.parametrize(
    ("build", "what"),
    [
        (made.no_state_file, "does not exist here"),
        (made.in_memory, "share no state (memory:)"),
        (made.in_memory_by_code, "share no state (memory:)"),
        (made.not_a_state, "cannot be opened"),
    ],
)
def test_without_a_state_nothing_is_known(setup: Setup, check: str, build: Callable[[Setup], Any], what: str) -> None:
    """The check says so and what to do, and makes no state file of its own."""
    build(setup)
    result = setup.check(check)
    assert [what in part.what and "the state that the program uses" in part.fix for part in result.unchecked] == [True]
    assert result.outcome is CheckOutcome.INCOMPLETE
    assert (setup.folder / "state.db").exists() == (build is made.not_a_state)


@pytest.mark.parametrize("check", ["inside-tree", "file-mode"])
def test_a_file_that_cannot_be_followed(setup: Setup, check: str) -> None:
    """A loop of links is no reason to stop, and none to pass."""
    made.looping_link(setup)
    made.own_key(setup)
    result = setup.check(check)
    assert (len(result.unchecked), result.outcome) == (1, CheckOutcome.INCOMPLETE)


@pytest.mark.parametrize(
    ("check", "build", "reason"),
    [
        ("inside-tree", made.in_variable, "no key is kept in a file"),
        ("file-mode", made.in_variable, "no key is kept in a file"),
        ("environment", made.own_key, "environments with keys of their own"),
        ("age", made.video, "documents that its keys expire"),
    ],
)
def test_does_not_apply(setup: Setup, check: str, build: Callable[[Setup], Any], reason: str) -> None:
    """The question does not arise, and the report says why."""
    build(setup)
    result = setup.check(check)
    assert result.outcome is CheckOutcome.NOT_APPLICABLE
    assert reason in result.reason


@pytest.mark.parametrize("check", [name for name in registry.CHECKS if name.startswith("keys.")])
def test_without_accounts_no_check_of_keys_applies(tmp_path: Path, check: str) -> None:
    """As in a project that makes no calls."""
    project = make_project(tmp_path)
    project.accounts = ()
    assert run_check(project, registry.load(check)).outcome is CheckOutcome.NOT_APPLICABLE


def test_the_state_that_code_chooses_is_looked_into(setup: Setup) -> None:
    """A program that names its file in code is asked there, and not at the default place."""
    setup.accounts.append(make_account("userplane", key=setup.write_key("key")))
    setup.files["app.py"] = f'from callwell import Client\n\nclient = Client("userplane", state="{setup.url}")\n'
    setup.use(setup.accounts[0], "uspl_old", first=90, last=40)
    result = setup.check("unused")
    assert [finding.place.path for finding in result.findings if finding.place] == ["app.py"]
    assert result.unchecked == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_root_is_not_asked_for_the_owner(setup: Setup) -> None:
    """Root often installs the key of another user."""
    made.own_key(setup)
    os.chown(setup.folder / "keys" / "userplane", 65_534, 65_534)
    assert setup.check("file-mode").outcome is CheckOutcome.PASSED


def test_a_drill_in_memory_is_not_remembered(setup: Setup) -> None:
    """It would be forgotten at once, so the caller hears of it."""
    account = made.own_key(setup, state="memory:")
    assert not drill_record.record_drill(account, drill_record.ROTATION, passed=True, at=1.0)
