# SPDX-License-Identifier: Apache-2.0
"""What the emulator can be told when it starts, and what it tells when it has started."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from callwell.emulator.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from callwell.emulator.quota import WindowKind
    from callwell.emulator.response_headers import RateHeaderForm


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """How to start.

    Attributes:
        port: of the first API, 0 for any free one; the other APIs take the numbers after it.
        storage_port: of the first signed storage, and so on.
        control_port: of the control port.
        public_url: the address of a proxy in front of the providers, with `{port}` where the numbers go; every address
            that is given out begins with it. The control port stays on this machine.
        provider: which providers to play, in this order; all by default.
        settings: single options of single providers, by `NAME.OPTION`; the values are JSON.
        seed: of the worlds.
        recordings: how many recordings there are.
        clock: the clock as `callwell.clock` writes it (`25`, `25@ORIGIN@WALL`), None for the machine's own.
        window: how the quota's windows are cut.
        per_minute: requests in 60 clock seconds.
        per_day: requests in 86,400 clock seconds.
        url_life_s: how long signed URLs live, clock seconds.
        retry_after: whether 429 says when to come back.
        rate_headers: in which form answers tell what is left of the quota: `delta`, `epoch`, `draft` or `off`.
        skew_s: how far the servers' time of day is off, in `Date` and in signed URLs.
        deprecated: operations whose answers carry `Deprecation`, each with the clock seconds until its `Sunset`, or
            None to carry none.
        links_limit: how many links may be created in each workspace.
        old_meta_name: answer under an older name of the links' `meta`.
    """

    port: int = 0
    storage_port: int = 0
    control_port: int = 0
    public_url: str | None = None
    provider: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    recordings: int = 40
    clock: str | None = None
    window: WindowKind = "fixed"
    per_minute: int = 120
    per_day: int = 10_000
    url_life_s: int = 900
    retry_after: bool = False
    rate_headers: RateHeaderForm = "off"
    skew_s: int = 0
    deprecated: Mapping[str, int | None] = field(default_factory=dict)
    links_limit: int = 1_000
    old_meta_name: bool = False

    def provider_settings(self, name: str) -> dict[str, Any]:
        """The settings of one provider.

        Raises:
            BadInput: a value is no JSON.
        """
        mine = {key.partition(".")[2]: text for key, text in self.settings.items() if key.partition(".")[0] == name}
        try:
            return {option: msgspec.json.decode(text) for option, text in mine.items()}
        except msgspec.DecodeError as error:
            raise InvalidInput(f"the value of a setting of {name} is no JSON: {error}") from error


class Endpoint(msgspec.Struct, frozen=True):
    """Where one environment of one provider is.

    Attributes:
        base_url: without a slash at its end.
        key: the newest live key, empty if there is none. It opens nothing but this emulator.
    """

    base_url: str
    key: str


class Endpoints(msgspec.Struct, frozen=True):
    """Where everything is.

    Attributes:
        control: URL of the control port.
        providers: by provider and environment.
        clock: what another process must give to `parse_clock` to tell the same time, as long as the emulator's is not
            moved ahead; None for the machine's clock.
    """

    control: str
    providers: dict[str, dict[str, Endpoint]]
    clock: str | None
