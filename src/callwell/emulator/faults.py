# SPDX-License-Identifier: Apache-2.0
"""The script of faults: what goes wrong, where and how often, decided by seeded dice.

Rules are asked in the order of the script, each with dice of its own that are rolled once for every request that the
rule fits, whether or not an earlier rule has hit; so the same requests in the same order suffer the same faults. The
first hit wins. `max_in_row` bounds how often in a row one and the same request (method, path, query, body; at storage
method and path, because every signed URL is new) suffers any fault; a rule with `nth` names its victims by hand and is
bounded only if it says so.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.emulator.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

STORAGE: Final = "storage"
ERROR_STATUSES: Final = (500, 502, 503, 504)
DEFAULT_IN_ROW: Final = 2

FAULTS: Final[Mapping[str, str]] = {
    "error_before": "an error answer, before any effect",
    "error_after": "an error answer, after the effect",
    "lost_reply": "the effect, then the connection closes without an answer",
    "reset": "the connection is reset before any effect",
    "truncated": "half of the body, then the connection closes",
    "throttle": "429 without a time",
    "throttle_after": "429 with Retry-After",
    "shifted_page": "a listed object is deleted or created behind the page's back",
    "empty_page": "an extra empty page that says there is more",
    "early_expiry": "a signed URL that lives for one second, or dies while it is read",
}
STORAGE_FAULTS: Final = frozenset({"error_before", "error_after", "lost_reply", "reset", "truncated", "early_expiry"})


class FaultRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of the script.

    Attributes:
        operation: an operation's name, `*` for all of them, or `storage`.
        fault: one of `FAULTS`.
        provider: which provider, if the emulator plays several.
        rate: the share of requests that suffer, 0 to 1.
        nth: which of the requests that the rule fits suffer, counted from 1.
        seed: of the rule's dice.
        max_in_row: how often in a row the same request may suffer.
        retry_after_s: for `throttle_after`, clock seconds.
        code: for the errors, an error code of the provider.
        status: for the errors, an HTTP status.
        limit: how often the rule may hit at all.
    """

    operation: str
    fault: str
    provider: str | None = None
    rate: float | None = None
    nth: int | list[int] | None = None
    seed: int = 0
    max_in_row: int | None = None
    retry_after_s: float = 10.0
    code: str | None = None
    status: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a provider has that faults can be about.

    Attributes:
        operations: the names of its operations.
        lists: those that answer pages.
        shifting: those whose pages can shift.
        signing: those that hand out signed URLs.
        codes: its error codes and their statuses.
    """

    operations: frozenset[str]
    lists: frozenset[str]
    shifting: frozenset[str]
    signing: frozenset[str]
    codes: Mapping[str, int]

    def victims(self, fault: str) -> frozenset[str]:
        """The operations that can suffer `fault`, storage among them."""
        special = {"empty_page": self.lists, "shifted_page": self.shifting, "early_expiry": self.signing}
        victims = special.get(fault, self.operations)
        return victims | {STORAGE} if fault in STORAGE_FAULTS else victims


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault that one request is to suffer.

    Attributes:
        fault: one of `FAULTS`.
        turn: the rule's seed plus how often it has hit before.
        status: the status of an error.
        code: the code of an error.
        retry_after_s: for `throttle_after`, clock seconds.
        dice: for whatever else the fault must choose.
    """

    fault: str
    turn: int
    status: int | None
    code: str | None
    retry_after_s: float
    dice: random.Random


@dataclass(slots=True)
class Armed:
    """One rule with its dice and counters."""

    rule: FaultRule
    dice: random.Random
    victims: frozenset[str]
    nth: frozenset[int]
    seen: int = 0
    hits: int = 0

    def rolls(self, operation: str) -> bool:
        """Whether the dice say that this request suffers."""
        if operation not in self.victims or self.rule.operation not in (operation, "*"):
            return False
        if operation == STORAGE and self.rule.operation == "*":
            return False
        self.seen += 1
        chosen = self.seen in self.nth if self.rule.rate is None else self.dice.random() < self.rule.rate
        return chosen and (self.rule.limit is None or self.hits < self.rule.limit)

    def hit(self) -> Hit:
        """Count a hit and say what it does."""
        rule = self.rule
        status = rule.status
        if rule.code is None and status is None:
            status = ERROR_STATUSES[self.hits % len(ERROR_STATUSES)]
        self.hits += 1
        return Hit(rule.fault, rule.seed + self.hits - 1, status, rule.code, rule.retry_after_s, self.dice)

    def tired(self, in_row: int) -> bool:
        """Whether the same request has suffered enough in a row."""
        bound = self.rule.max_in_row
        if bound is None and self.rule.rate is not None:
            bound = DEFAULT_IN_ROW
        return bound is not None and in_row >= bound


@dataclass(slots=True)
class FaultScript:
    """The rules in force for one provider.

    Attributes:
        catalogue: what the provider has.
    """

    catalogue: Catalogue
    _armed: list[Armed] = field(default_factory=list)
    _in_row: dict[tuple[str, ...], int] = field(default_factory=dict)

    def replace(self, rules: list[FaultRule]) -> None:
        """Put these rules in force, with fresh dice and counters.

        Raises:
            BadInput: a rule cannot work; none is put in force then.
        """
        armed = [self._arm(rule, f"rule {number}") for number, rule in enumerate(rules, 1)]
        self._armed, self._in_row = armed, {}

    def describe(self) -> list[dict[str, Any]]:
        """The rules in force, each with how many requests it has seen and hit."""
        return [msgspec.to_builtins(each.rule) | {"seen": each.seen, "hits": each.hits} for each in self._armed]

    def decide(self, operation: str, chain: tuple[str, ...]) -> Hit | None:
        """The fault that this request suffers, if any.

        Args:
            operation: the operation's name or `storage`.
            chain: what makes two requests the same.
        """
        if not self._armed:
            return None
        in_row = self._in_row.get(chain, 0)
        chosen = [each for each in self._armed if each.rolls(operation) and not each.tired(in_row)]
        if not chosen:
            self._in_row.pop(chain, None)
            return None
        self._in_row[chain] = in_row + 1
        return chosen[0].hit()

    def _arm(self, rule: FaultRule, where: str) -> Armed:
        _check_choice(rule.fault, frozenset(FAULTS), f"fault of {where}")
        _check_choice(rule.operation, self.catalogue.operations | {"*", STORAGE}, f"operation of {where}")
        victims = self.catalogue.victims(rule.fault)
        if rule.operation != "*" and rule.operation not in victims:
            raise BadInput(f"{where}: {rule.fault} can only strike {', '.join(sorted(victims))}, not {rule.operation}")
        if rule.code is not None:
            _check_choice(rule.code, frozenset(self.catalogue.codes), f"code of {where}")
        _check_numbers(rule, where)
        nth = [rule.nth] if isinstance(rule.nth, int) else rule.nth or []
        # Seeded on purpose: the faults of a run must be repeatable.
        return Armed(rule, random.Random(rule.seed), victims, frozenset(nth))  # noqa: S311


def _check_choice(value: str, choices: frozenset[str], what: str) -> None:
    if value not in choices:
        raise BadInput(f"{what}: {value!r} is none of {', '.join(sorted(choices))}")


def _check_numbers(rule: FaultRule, where: str) -> None:
    nth = [rule.nth] if isinstance(rule.nth, int) else rule.nth or []
    checks = {
        "exactly one of rate and nth must be given": (rule.rate is None) != (rule.nth is None),
        "rate must lie between 0 and 1": rule.rate is None or 0.0 <= rule.rate <= 1.0,
        "nth must be a number from 1 on, or a list of such": rule.nth is None or (bool(nth) and min(nth) >= 1),
        "max_in_row must be at least 1": rule.max_in_row is None or rule.max_in_row >= 1,
        "limit must be at least 1": rule.limit is None or rule.limit >= 1,
        "retry_after_s must be more than 0": rule.retry_after_s > 0,
        "status must be an error, 400 to 599": rule.status is None or 400 <= rule.status <= 599,  # noqa: PLR2004
    }
    for expected, kept in checks.items():
        if not kept:
            raise BadInput(f"{where}: {expected}")


def parse_rules(body: bytes) -> list[FaultRule]:
    """The rules in a JSON list.

    Raises:
        BadInput: the body is no such list; the message names the place.
    """
    try:
        return msgspec.json.decode(body, type=list[FaultRule])
    except msgspec.DecodeError as error:
        known = ", ".join(FaultRule.__struct_fields__)
        raise BadInput(f"faults must be a JSON list of objects with {known}: {error}") from error
