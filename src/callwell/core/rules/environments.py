# SPDX-License-Identifier: Apache-2.0
"""The rule records of deployments, and of the end users on whose behalf calls are made."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRule:
    """What happens to files in an environment for trials.

    Attributes:
        cut_s: how much of a file is kept, from its beginning.
        watermark: a watermark is burnt in.
        kept_s: after how long a file is deleted.
    """

    cut_s: float | None = None
    watermark: bool = False
    kept_s: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRule:
    """One deployment of the provider.

    Attributes:
        base_url: the address to which operations' paths are added.
        default: used when the caller names none.
        env: the environment variable with its key, where its keys are its own.
        key_header: the header that carries the key, where it is another one there.
        headers: what else goes with every request, by name; `{host}` in a value is the host of the address.
        operations: the operations that there are; all unless said.
        limits: limits of its own, by the quota's name.
        sandbox: what happens to files in it, if it is for trials.
    """

    base_url: str
    default: bool = False
    env: str | None = None
    key_header: str | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    operations: tuple[str, ...] | None = None
    limits: dict[str, int] = dataclasses.field(default_factory=dict)
    sandbox: SandboxRule | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EndUserRule:
    """How the provider is told on whose behalf a call is made.

    Attributes:
        header: the header that says so.
        required: it must always be there.
        required_on: names of plans on which it must be there, as the `plan` option has them.
        pseudonym: what is sent is a UUID that only the holder of a secret can make of the caller's own id; without,
            the id itself is sent.
    """

    header: str
    required: bool = False
    required_on: tuple[str, ...] = ()
    pseudonym: bool = True
