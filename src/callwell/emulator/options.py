# SPDX-License-Identifier: Apache-2.0
"""The emulator's options, and the addresses that it announces once it has started."""

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
    """How to start the emulator.

    Attributes:
        port: port of the first API, 0 for any free one; the other APIs take the next numbers.
        storage_port: the same for the signed storages.
        control_port: port of the control server, 0 for any free one.
        public_url: the address of a proxy in front of the providers, with `{port}` where port numbers go; every address
            that the emulator gives out begins with it. The control port stays on this machine.
        provider: which providers to emulate, in this order; all by default.
        settings: single options of single providers, by `NAME.OPTION`; the values are JSON.
        seed: the seed of the emulated data.
        recordings: how many recordings there are.
        clock: the clock as `callwell.clock` writes it (`25`, `25@ORIGIN@WALL`), None for the machine's own.
        window: the kind of the quota's windows.
        per_minute: requests in 60 clock seconds.
        per_day: requests in 86,400 clock seconds.
        url_life_s: how long signed URLs live, clock seconds.
        retry_after: send Retry-After with every 429.
        rate_headers: the form of quota headers on every response: `delta`, `epoch`, `draft` or `off`.
        skew_s: how far the servers' time of day is ahead, in `Date` and in signed URLs, in seconds; negative if behind.
        deprecated: operations that answer with `Deprecation`, each with the clock seconds until its `Sunset`, or
            None for no `Sunset`.
        links_limit: how many links may be created in each workspace.
        old_meta_name: send the links' `linkMeta` under its older name `meta`.
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
        """Return the settings of one provider by option.

        Raises:
            InvalidInput: a value is not JSON.
        """
        values: dict[str, Any] = {}
        for setting, text in self.settings.items():
            provider, _, option = setting.partition(".")
            if provider != name:
                continue
            try:
                values[option] = msgspec.json.decode(text)
            except msgspec.DecodeError as error:
                raise InvalidInput(f"the value of {setting} is not JSON: {error}") from error
        return values


class Endpoint(msgspec.Struct, frozen=True):
    """The address of one environment of one provider.

    Attributes:
        base_url: without a slash at its end.
        key: the newest live key, empty if there is none. It opens nothing but this emulator.
    """

    base_url: str
    key: str


class Endpoints(msgspec.Struct, frozen=True):
    """The addresses of a running emulator.

    Attributes:
        control: URL of the control port.
        providers: by provider and environment.
        clock: the text from which `parse_clock` makes the emulator's clock in another process, as long as the clock is
            not moved ahead; None for the machine's clock.
    """

    control: str
    providers: dict[str, dict[str, Endpoint]]
    clock: str | None
