# SPDX-License-Identifier: Apache-2.0
"""What can be scripted to go wrong: the faults, their parameters, and the check of a rule before it is in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from callwell.emulator.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

STORAGE: Final = "storage"

FAULTS: Final[Mapping[str, str]] = {
    "error_before": "an error answer, before any effect",
    "error_after": "an error answer, after the effect",
    "lost_reply": "the effect, then the connection closes without an answer",
    "late_effect": "the connection closes without an answer, and the effect comes `delay_s` later",
    "reset": "the connection is reset before any effect",
    "hang": "the effect, then silence until the client gives up, or for `delay_s`",
    "truncated": "half of the body, then the connection closes",
    "slow_body": "the body dribbles in for `delay_s`",
    "garbage_body": "a success whose body has the right length and every byte wrong",
    "wrong_size": "an announced size that is not the file's; at storage a Content-Length that is too `short` or `long`",
    "forgotten_piece": "a piece of an upload that is taken, answered as if it were kept, and thrown away",
    "failed_work": "a file that is reported as one of which nothing can be made",
    "missing_header": "neither Date nor Content-Type",
    "throttle": "429 without a time",
    "throttle_after": "429 with Retry-After",
    "lying_header": "429 with a nonsensical Retry-After, or quota headers that contradict the quota",
    "redirect": "a redirect to the same path `same`, here, or `elsewhere`, at the storage's origin; before any effect",
    "shifted_page": "a listed object is deleted or created behind the page's back",
    "empty_page": "an extra empty page that says there is more",
    "cycle": "from this page on the earlier pages again and again, always with more to come",
    "early_expiry": "a signed URL that lives for one second, or dies while it is read",
}
STORAGE_FAULTS: Final = frozenset(
    {
        *("error_before", "error_after", "lost_reply", "reset", "hang", "truncated", "slow_body", "garbage_body"),
        *("wrong_size", "missing_header", "early_expiry"),
    }
)
FALSE_RETRY_AFTERS: Final = ("past", "huge", "negative", "text")
FALSE_QUOTAS: Final = ("exhausted", "unlimited")
FAULT_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "wrong_size": ("short", "long"),
    "lying_header": FALSE_RETRY_AFTERS + FALSE_QUOTAS,
}
REDIRECT_TARGETS: Final[Mapping[str, tuple[str, ...]]] = {"redirect": ("same", "elsewhere")}
FAULT_STATUSES: Final[Mapping[str, tuple[int, ...]]] = {"redirect": (302, 307, 301, 303, 308)}
MAX_DELAY_S: Final[Mapping[str, float]] = {"slow_body": 30.0, "hang": 60.0, "late_effect": 3_600.0}


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
        status: for the errors and redirects, an HTTP status.
        limit: how often the rule may hit at all.
        delay_s: for `slow_body` and `hang`, real seconds: 3 and 60 unless said; for `late_effect` the clock's, 30.
        value: for the faults in `VALUES`, which of them; all in turn unless said.
        to: for `redirect`, `same` (unless said) or `elsewhere`.
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
    delay_s: float | None = None
    value: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class FaultTargets:
    """What a provider has that faults can be about.

    Attributes:
        operations: the names of its operations.
        lists: those that answer pages.
        shifting: those whose pages can shift.
        signing: those that hand out signed URLs.
        codes: its error codes and their statuses.
        sizing: the operations that announce the size of a file.
        receiving: those that take pieces of one.
        working: those that report what is made of one.
    """

    operations: frozenset[str]
    lists: frozenset[str]
    shiftable_lists: frozenset[str]
    url_signing: frozenset[str]
    codes: Mapping[str, int]
    size_reporting: frozenset[str] = frozenset()
    piece_receiving: frozenset[str] = frozenset()
    work_reporting: frozenset[str] = frozenset()

    def targets_of(self, fault: str) -> frozenset[str]:
        """The operations that can suffer `fault`, storage among them."""
        special = {
            "empty_page": self.lists,
            "cycle": self.lists,
            "shifted_page": self.shiftable_lists,
            "early_expiry": self.url_signing,
            "wrong_size": self.size_reporting,
            "forgotten_piece": self.piece_receiving,
            "failed_work": self.work_reporting,
        }
        victims = special.get(fault, self.operations)
        return victims | {STORAGE} if fault in STORAGE_FAULTS else victims

    def supports(self, operation: str, fault: str) -> bool:
        """Whether a rule about `operation` and `fault` could ever strike here."""
        if fault not in FAULTS:
            return False
        return bool(self.targets_of(fault)) if operation == "*" else operation in self.targets_of(fault)

    def validate(self, rule: FaultRule, where: str) -> None:
        """See that a rule can work.

        Raises:
            BadInput: it cannot; the message says what was expected.
        """
        _check_choice(rule.fault, FAULTS, f"fault of {where}")
        _check_choice(rule.operation, self.operations | {"*", STORAGE}, f"operation of {where}")
        victims = self.targets_of(rule.fault)
        if rule.operation != "*" and rule.operation not in victims:
            can = ", ".join(sorted(victims)) or "nothing here"
            raise InvalidInput(f"{where}: {rule.fault} can only strike {can}, not {rule.operation}")
        if rule.code is not None:
            _check_choice(rule.code, self.codes, f"code of {where}")
        _check_numbers(rule, where)
        _check_choices(rule, where)


def _check_choice(value: str, choices: Mapping[str, object] | frozenset[str], what: str) -> None:
    if value not in choices:
        raise InvalidInput(f"{what}: {value!r} is none of {', '.join(sorted(choices))}")


def _check_numbers(rule: FaultRule, where: str) -> None:
    nth = [rule.nth] if isinstance(rule.nth, int) else rule.nth or []
    longest_s = MAX_DELAY_S.get(rule.fault, 0.0)
    checks = {
        "exactly one of rate and nth must be given": (rule.rate is None) != (rule.nth is None),
        "rate must lie between 0 and 1": rule.rate is None or 0.0 <= rule.rate <= 1.0,
        "nth must be a number from 1 on, or a list of such": rule.nth is None or (bool(nth) and min(nth) >= 1),
        "max_in_row must be at least 1": rule.max_in_row is None or rule.max_in_row >= 1,
        "limit must be at least 1": rule.limit is None or rule.limit >= 1,
        "retry_after_s must be more than 0": rule.retry_after_s > 0,
        "delay_s is for slow_body, hang and late_effect only": rule.delay_s is None or longest_s > 0,
        f"delay_s must be more than 0 and at most {longest_s:g}": rule.delay_s is None or 0 < rule.delay_s <= longest_s,
    }
    for expected, kept in checks.items():
        if not kept:
            raise InvalidInput(f"{where}: {expected}")


def _check_choices(rule: FaultRule, where: str) -> None:
    for name, given, choices in (("value", rule.value, FAULT_VALUES), ("to", rule.to, REDIRECT_TARGETS)):
        if given is not None and rule.fault not in choices:
            raise InvalidInput(f"{where}: {name} is for {' and '.join(choices)} only")
        if given is not None and given not in choices[rule.fault]:
            raise InvalidInput(f"{name} of {where}: {given!r} is none of {', '.join(choices[rule.fault])}")
    known = FAULT_STATUSES.get(rule.fault)
    if rule.status is not None and rule.status not in (known or range(400, 600)):
        words = ", ".join(map(str, known)) if known else "an error, 400 to 599"
        raise InvalidInput(f"{where}: status must be {'one of ' if known else ''}{words}")


def parse_rules(body: bytes) -> list[FaultRule]:
    """The rules in a JSON list.

    Raises:
        BadInput: the body is no such list; the message names the place.
    """
    try:
        return msgspec.json.decode(body, type=list[FaultRule])
    except (msgspec.DecodeError, RecursionError) as error:
        known = ", ".join(FaultRule.__struct_fields__)
        raise InvalidInput(f"faults must be a JSON list of objects with {known}: {error}") from error
