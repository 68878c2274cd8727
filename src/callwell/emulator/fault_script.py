# SPDX-License-Identifier: Apache-2.0
"""The script of faults: which request suffers which fault, decided by seeded random numbers.

Each rule counts the requests that it fits (`seen`) and selects some of them, by their number (`nth`) or by a random
number below `rate`:

    request ──> rule 1: fits, selects ──┐
            ├─> rule 2: does not fit    ├──> first rule that selects ──> `InjectedFault`
            └─> rule 3: fits, selects ──┘    (rule 3 still counts and takes its number)

Every rule has its own generator, and each request that fits it takes exactly one number from it, whether or not
an earlier rule wins. So the same requests in the same order suffer the same faults, and adding a rule changes nothing
for the others.

A client that retries must get through in the end. `max_in_row` limits how many times in a row the same request may
suffer, whatever the rules: 2 unless the rule says otherwise. Two requests are the same if method, path, query and body
agree; at the storage method and path, because every signed URL is new. A rule with `nth` names its requests by hand
and is limited only if it says so.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from callwell.emulator.fault_rules import FALSE_QUOTAS, FAULT_VALUES, STORAGE

if TYPE_CHECKING:
    from callwell.emulator.fault_rules import FaultRule, FaultTargets

# Used in turn where a rule names no status: those that proxies and servers send when they fail for a moment.
ERROR_STATUSES: Final = (500, 502, 503, 504)
# One that most clients turn into a GET, and one that keeps method and body (RFC 9110, 15.4).
REDIRECT_STATUSES: Final = (302, 307)
# A client with three attempts gets through.
DEFAULT_MAX_IN_ROW: Final = 2
# Faults that answer before the provider has done anything.
SKIPS_HANDLER: Final = frozenset({"error_before", "throttle", "throttle_after", "reset", "redirect"})


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """The fault that one request suffers.

    Attributes:
        rule: the rule that selected the request.
        sequence: the rule's seed plus how many requests it had selected before.
        status: the status of an error or redirect; None if the rule's `code` decides.
        value: one of the fault's `FAULT_VALUES`, empty if it has none.
        rng: the rule's generator, for whatever else the fault must choose.
    """

    rule: FaultRule
    sequence: int
    status: int | None
    value: str
    rng: random.Random

    @property
    def name(self) -> str:
        """The fault's name, one of `FAULTS`."""
        return self.rule.fault

    @property
    def skips_handler(self) -> bool:
        """Whether the provider does not perform the request at all."""
        if self.name == "lying_header":
            return self.value not in FALSE_QUOTAS
        return self.name in SKIPS_HANDLER


@dataclass(slots=True)
class ActiveRule:
    """A rule in force, with its generator and its counters.

    Attributes:
        rule: the rule.
        rng: its generator.
        targets: the operations that its fault can affect.
        nth: the numbers of the requests that it selects; empty for a rule with a rate.
        seen: how many requests it has fitted.
        hits: how many of them it has affected.
        held_until_s: until when a rule with `hold` selects all of them, clock seconds.
    """

    rule: FaultRule
    rng: random.Random
    targets: frozenset[str]
    nth: frozenset[int]
    seen: int = 0
    hits: int = 0
    held_until_s: float = float("-inf")

    def selects(self, operation: str, now: float) -> bool:
        """Count the request if the rule fits it, and return whether the rule selects it."""
        if operation not in self.targets or self.rule.operation not in (operation, "*"):
            return False
        # `*` means the operations of the API. The storage must be named: a script for one should not break the other.
        if operation == STORAGE and self.rule.operation == "*":
            return False
        self.seen += 1
        has_hits_left = self.rule.limit is None or self.hits < self.rule.limit
        is_chosen = self.seen in self.nth if self.rule.rate is None else self.rng.random() < self.rule.rate
        return (is_chosen and has_hits_left) or now < self.held_until_s

    def inject(self, now: float) -> InjectedFault:
        """Count a hit and return the fault."""
        rule = self.rule
        if rule.hold and now >= self.held_until_s:
            self.held_until_s = now + rule.retry_after_s
        status = rule.status
        if rule.code is None and status is None:
            usual = REDIRECT_STATUSES if rule.fault == "redirect" else ERROR_STATUSES
            status = usual[self.hits % len(usual)]
        values = FAULT_VALUES.get(rule.fault, ("",))
        value = rule.value or values[self.hits % len(values)]
        sequence = rule.seed + self.hits
        self.hits += 1
        return InjectedFault(rule=rule, sequence=sequence, status=status, value=value, rng=self.rng)

    def is_over_limit(self, in_row: int) -> bool:
        """Return whether a request that has suffered `in_row` times in a row must be spared."""
        bound = self.rule.max_in_row
        if bound is None and self.rule.rate is not None:
            bound = DEFAULT_MAX_IN_ROW
        return bound is not None and in_row >= bound


@dataclass(slots=True)
class FaultScript:
    """The rules in force for one provider and environment.

    Attributes:
        targets: what the provider has that faults can affect.
    """

    targets: FaultTargets
    _active: list[ActiveRule] = field(default_factory=list)
    _consecutive: dict[tuple[str, ...], int] = field(default_factory=dict)

    def replace(self, rules: list[FaultRule]) -> None:
        """Put these rules in force, with fresh generators and counters.

        Raises:
            InvalidInput: a rule cannot work; the old rules stay in force.
        """
        for number, rule in enumerate(rules, 1):
            self.targets.validate(rule, f"rule {number}")
        self._active = [self._activate(rule) for rule in rules]
        self._consecutive = {}

    def describe(self) -> list[dict[str, Any]]:
        """Return the rules in force as the control port shows them, each with `seen` and `hits`."""
        return [
            msgspec.to_builtins(active.rule) | {"seen": active.seen, "hits": active.hits} for active in self._active
        ]

    def next_fault(self, operation: str, identity: tuple[str, ...], now: float) -> InjectedFault | None:
        """Return the fault that this request suffers, if any.

        Args:
            operation: the operation's name, or `storage`.
            identity: what makes two requests the same.
            now: when the request arrived, clock seconds.
        """
        if not self._active:
            return None
        in_row = self._consecutive.get(identity, 0)
        # A list, not the first match: every rule must count the request and take its random number.
        chosen = [
            active for active in self._active if active.selects(operation, now) and not active.is_over_limit(in_row)
        ]
        if not chosen:
            self._consecutive.pop(identity, None)
            return None
        self._consecutive[identity] = in_row + 1
        return chosen[0].inject(now)

    def _activate(self, rule: FaultRule) -> ActiveRule:
        nth = [rule.nth] if isinstance(rule.nth, int) else rule.nth or []
        return ActiveRule(
            rule=rule,
            rng=random.Random(rule.seed),  # noqa: S311 - seeded on purpose: the faults of a run must be repeatable
            targets=self.targets.targets_of(rule.fault),
            nth=frozenset(nth),
        )
