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

from callwell.emulator.fault_rules import QUOTA_LIES, STORAGE, VALUES

if TYPE_CHECKING:
    from callwell.emulator.fault_rules import Catalogue, FaultRule

ERROR_STATUSES: Final = (500, 502, 503, 504)
REDIRECTS: Final = (302, 307)
DEFAULT_IN_ROW: Final = 2
INSTEAD: Final = frozenset({"error_before", "throttle", "throttle_after", "reset", "redirect"})


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault that one request is to suffer.

    Attributes:
        rule: the rule that hit.
        turn: the rule's seed plus how often it has hit before.
        status: the status of an error or a redirect, None where the code decides.
        value: one of the fault's `VALUES`, empty if it has none.
        dice: for whatever else the fault must choose.
    """

    rule: FaultRule
    turn: int
    status: int | None
    value: str
    dice: random.Random

    @property
    def fault(self) -> str:
        """One of `FAULTS`."""
        return self.rule.fault

    @property
    def instead(self) -> bool:
        """Whether the request is not performed at all."""
        return self.fault in INSTEAD or (self.fault == "lying_header" and self.value not in QUOTA_LIES)


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
        rule, status = self.rule, self.rule.status
        if rule.code is None and status is None:
            usual = REDIRECTS if rule.fault == "redirect" else ERROR_STATUSES
            status = usual[self.hits % len(usual)]
        values = VALUES.get(rule.fault, ("",))
        value = rule.value or values[self.hits % len(values)]
        self.hits += 1
        return Hit(rule, rule.seed + self.hits - 1, status, value, self.dice)

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
        for number, rule in enumerate(rules, 1):
            self.catalogue.check(rule, f"rule {number}")
        self._armed, self._in_row = [self._arm(rule) for rule in rules], {}

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

    def _arm(self, rule: FaultRule) -> Armed:
        nth = [rule.nth] if isinstance(rule.nth, int) else rule.nth or []
        # Seeded on purpose: the faults of a run must be repeatable.
        return Armed(rule, random.Random(rule.seed), self.catalogue.victims(rule.fault), frozenset(nth))  # noqa: S311
