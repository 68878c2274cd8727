# SPDX-License-Identifier: Apache-2.0
"""The faults that can be scripted, their parameters, and the check of a rule before it is in force.

A fault takes effect at one of four moments:

    arrival ──> before the effect ──> after the effect ──> while the response is written ──> later
                error_before, reset   error_after, hang    truncated, slow_body, ...         late_effect
                throttle, redirect    lost_reply

Some change what the provider itself replies, such as an extra empty page. A rule that names an operation which cannot
suffer its fault is refused, so that a test never waits for a fault that will not come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from callwell.emulator.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

STORAGE: Final = "storage"

FAULTS: Final[Mapping[str, str]] = {
    "error_before": "an error, before any effect",
    "error_after": "an error, after the effect",
    "lost_reply": "the effect, then the connection closes without a response",
    "late_effect": "the connection closes without a response, and the effect happens `delay_s` later",
    "reset": "the connection is reset before any effect",
    "hang": "the effect, then silence until the client gives up, or for `delay_s`",
    "truncated": "half of the body, then the connection closes",
    "slow_body": "the body trickles in over `delay_s`",
    "garbage_body": "a success with a body of the right length and every byte wrong",
    "wrong_size": "an announced file size that is wrong; at storage a Content-Length that is too `short` or `long`",
    "forgotten_piece": "a piece of an upload is acknowledged and thrown away",
    "failed_work": "a file is reported as one that cannot be encoded",
    "missing_header": "neither Date nor Content-Type",
    "throttle": "429 that does not say when to come back",
    "throttle_after": "429 with Retry-After",
    "lying_header": "429 with a nonsensical Retry-After, or quota headers that contradict the quota",
    "redirect": "a redirect to the same path `same`, here, or `elsewhere`, at the storage's origin; before any effect",
    "shifted_page": "an object of the list is deleted or created after the page was computed",
    "empty_page": "an extra page that is empty and says there is more",
    "cycle": "from this page on the earlier pages are repeated forever, always with more to come",
    "early_expiry": "a signed URL that lives for one second, or expires while it is read",
}
STORAGE_FAULTS: Final = frozenset(
    {
        *("error_before", "error_after", "lost_reply", "reset", "hang", "truncated", "slow_body", "garbage_body"),
        *("wrong_size", "missing_header", "early_expiry"),
    }
)
# What Retry-After says: a date in the past, a time far beyond any life, a negative number, a word.
FALSE_RETRY_AFTERS: Final = ("past", "huge", "negative", "text")
# What quota headers say, on a response that is otherwise true.
FALSE_QUOTAS: Final = ("exhausted", "unlimited")
FAULT_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "wrong_size": ("short", "long"),
    "lying_header": FALSE_RETRY_AFTERS + FALSE_QUOTAS,
}
REDIRECT_TARGETS: Final[Mapping[str, tuple[str, ...]]] = {"redirect": ("same", "elsewhere")}
FAULT_STATUSES: Final[Mapping[str, tuple[int, ...]]] = {"redirect": (302, 307, 301, 303, 308)}
# A test that waits longer than this for one response is a test of nothing. `late_effect` is in clock seconds.
MAX_DELAY_S: Final[Mapping[str, float]] = {"slow_body": 30.0, "hang": 60.0, "late_effect": 3_600.0}


class FaultRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule of the script.

    Attributes:
        operation: an operation's name, `*` for all of them, or `storage`.
        fault: one of `FAULTS`.
        provider: the provider or environment; all by default.
        rate: the share of requests that suffer, 0 to 1.
        nth: the numbers of the matching requests that suffer, counted from 1.
        seed: of the rule's random numbers.
        max_in_row: how many times in a row the same request may suffer.
        retry_after_s: for `throttle_after`, clock seconds.
        hold: for `throttle_after`: refuse every matching request until that time is over, like a provider with a
            quota that is used up.
        code: for the errors, an error code of the provider.
        status: for the errors and redirects, an HTTP status.
        limit: how many requests the rule may affect in total.
        delay_s: for `slow_body` and `hang`, real seconds, 3 and 60 by default; for `late_effect`, clock seconds, 30 by
            default.
        value: for the faults in `FAULT_VALUES`, one of their values; all in turn by default.
        to: for `redirect`, `same` (the default) or `elsewhere`.
    """

    operation: str
    fault: str
    provider: str | None = None
    rate: float | None = None
    nth: int | list[int] | None = None
    seed: int = 0
    max_in_row: int | None = None
    retry_after_s: float = 10.0
    hold: bool = False
    code: str | None = None
    status: int | None = None
    limit: int | None = None
    delay_s: float | None = None
    value: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class FaultTargets:
    """The parts of a provider that faults can affect.

    Attributes:
        operations: the names of its operations.
        lists: the operations that return pages.
        shiftable_lists: the lists that can change between two pages.
        url_signing: the operations that return signed URLs.
        codes: its error codes and their statuses.
        size_reporting: the operations that report the size of a file.
        piece_receiving: the operations that receive pieces of a file.
        work_reporting: the operations that report how far a file has been processed.
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
        """Return the operations that can suffer `fault`, storage among them."""
        special = {
            "empty_page": self.lists,
            "cycle": self.lists,
            "shifted_page": self.shiftable_lists,
            "early_expiry": self.url_signing,
            "wrong_size": self.size_reporting,
            "forgotten_piece": self.piece_receiving,
            "failed_work": self.work_reporting,
        }
        targets = special.get(fault, self.operations)
        return targets | {STORAGE} if fault in STORAGE_FAULTS else targets

    def supports(self, operation: str, fault: str) -> bool:
        """Return whether a rule about `operation` and `fault` can apply here at all."""
        if fault not in FAULTS:
            return False
        targets = self.targets_of(fault)
        return bool(targets) if operation == "*" else operation in targets

    def validate(self, rule: FaultRule, label: str) -> None:
        """Check that a rule can work.

        Args:
            rule: the rule.
            label: what the message calls it.

        Raises:
            InvalidInput: the rule cannot work; the message says what was expected.
        """
        _check_choice(rule.fault, FAULTS, f"fault of {label}")
        _check_choice(rule.operation, self.operations | {"*", STORAGE}, f"operation of {label}")
        targets = self.targets_of(rule.fault)
        if rule.operation != "*" and rule.operation not in targets:
            can = ", ".join(sorted(targets)) or "nothing here"
            raise InvalidInput(f"{label}: {rule.fault} can only affect {can}, not {rule.operation}")
        if rule.code is not None:
            _check_choice(rule.code, self.codes, f"code of {label}")
        _check_numbers(rule, label)
        _check_choices(rule, label)


def _check_choice(value: str, choices: Mapping[str, object] | frozenset[str], what: str) -> None:
    if value not in choices:
        raise InvalidInput(f"{what}: {value!r} is not one of {', '.join(sorted(choices))}")


def _check_numbers(rule: FaultRule, label: str) -> None:
    nth = [rule.nth] if isinstance(rule.nth, int) else rule.nth or []
    longest_s = MAX_DELAY_S.get(rule.fault, 0.0)
    checks = {
        "exactly one of rate and nth must be given": (rule.rate is None) != (rule.nth is None),
        "rate must be between 0 and 1": rule.rate is None or 0.0 <= rule.rate <= 1.0,
        "nth must be a number from 1 on, or a list of such numbers": rule.nth is None or (bool(nth) and min(nth) >= 1),
        "max_in_row must be at least 1": rule.max_in_row is None or rule.max_in_row >= 1,
        "limit must be at least 1": rule.limit is None or rule.limit >= 1,
        "retry_after_s must be more than 0": rule.retry_after_s > 0,
        "hold is for throttle_after only": not rule.hold or rule.fault == "throttle_after",
        "delay_s is for slow_body, hang and late_effect only": rule.delay_s is None or longest_s > 0,
        f"delay_s must be more than 0 and at most {longest_s:g}": rule.delay_s is None or 0 < rule.delay_s <= longest_s,
    }
    for expected, holds in checks.items():
        if not holds:
            raise InvalidInput(f"{label}: {expected}")


def _check_choices(rule: FaultRule, label: str) -> None:
    for name, given, choices in (("value", rule.value, FAULT_VALUES), ("to", rule.to, REDIRECT_TARGETS)):
        if given is not None and rule.fault not in choices:
            raise InvalidInput(f"{label}: {name} is for {' and '.join(choices)} only")
        if given is not None and given not in choices[rule.fault]:
            raise InvalidInput(f"{name} of {label}: {given!r} is not one of {', '.join(choices[rule.fault])}")
    known = FAULT_STATUSES.get(rule.fault)
    if rule.status is not None and rule.status not in (known or range(400, 600)):
        words = ", ".join(map(str, known)) if known else "an error, 400 to 599"
        raise InvalidInput(f"{label}: status must be {'one of ' if known else ''}{words}")


def parse_rules(body: bytes) -> list[FaultRule]:
    """Return the rules in a JSON list.

    Raises:
        InvalidInput: the body is not such a list; the message says where it goes wrong.
    """
    try:
        return msgspec.json.decode(body, type=list[FaultRule])
    except (msgspec.DecodeError, RecursionError) as error:
        known = ", ".join(FaultRule.__struct_fields__)
        raise InvalidInput(f"faults must be a JSON list of objects with {known}: {error}") from error
