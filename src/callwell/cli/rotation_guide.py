# SPDX-License-Identifier: Apache-2.0
"""What a person does in each step of a rotation: the provider's own page and words, and the source's commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callwell.core.key_rotation import RotationStep
from callwell.keys.spec import guide_storing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.profile import Profile
    from callwell.keys import KeySource


class RotationGuide:
    """The instructions for one provider and source.

    Args:
        profile: the provider's.
        source: where the key is kept.
        overlaps: the old key stays valid when a new one is made.
    """

    def __init__(self, profile: Profile, source: KeySource, *, overlaps: bool) -> None:
        self._profile = profile
        self._rule = profile.key
        self._source = source
        self._overlaps = overlaps

    def lines(self, step: RotationStep) -> Iterator[str]:
        """What to do, or what is done, in a step; commands are indented.

        Args:
            step: the step.
        """
        match step:
            case RotationStep.PREPARE:
                yield from self._prepare()
            case RotationStep.CREATE:
                yield from self._create()
            case RotationStep.STAGE:
                yield from self._stage()
            case RotationStep.CANARY:
                yield self._canary()
            case RotationStep.SWITCH:
                yield "All processes on this state are asked to read the new key."
            case RotationStep.DRAIN:
                yield "Calls that have begun with the old key end."
            case RotationStep.REVOKE:
                yield from self._revoke()

    def _prepare(self) -> Iterator[str]:
        if self._rule.replace:
            yield f"{self._profile.title} refuses the old key as soon as it is exchanged for a new one."
        else:
            yield "It is not documented whether the old key stays valid when a new one is made; it may not."
        yield "Calls then wait for the new key, up to 30 s within their deadlines, and none fails if you are in time."
        yield "So open the provider's page now, and read what to do with the new key:"
        yield from self._page()
        yield from self._stage()

    def _create(self) -> Iterator[str]:
        yield from self._page()
        if not self._overlaps:
            yield self._rule.replace or "Make a new key, or exchange the old one for a new one."
            yield "From that moment calls wait: continue immediately."
            return
        yield self._rule.create or "Make another key, and keep the old one."
        yield "The old key stays valid until the step revoke, so there is no hurry."
        if self._rule.replace:
            yield "Do not exchange the old key for a new one, which revokes it (--no-overlap guides through that)."

    def _stage(self) -> Iterator[str]:
        guide = guide_storing(self._source)
        yield guide.text
        for command in guide.commands:
            yield f"    {command}"

    def _canary(self) -> str:
        if self._rule.canary:
            return f"The new key is tried by one request, {self._rule.canary}, before calls use it."
        name = self._profile.name
        return (
            f"No harmless request is known that tries a key, so the first call does: make one (callwell call {name} …)."
        )

    def _revoke(self) -> Iterator[str]:
        if not self._overlaps:
            yield "The provider should refuse the old key by now. If it does not, revoke it there:"
        yield from self._page()
        yield self._rule.revoke or f"Delete the old key at {self._profile.title}."

    def _page(self) -> Iterator[str]:
        if self._rule.page:
            yield f"    {self._rule.page}"
