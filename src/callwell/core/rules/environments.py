# SPDX-License-Identifier: Apache-2.0
"""The rule records of environments, and of the end users for whom calls are made."""

from msgspec import Struct, field


class SandboxRule(Struct, frozen=True, kw_only=True):
    """What happens to files in a sandbox. Users are warned; nothing else depends on it.

    Attributes:
        cut_s: seconds of a file that are kept, from its beginning.
        watermark: a watermark is added to the picture.
        kept_s: seconds until a file is deleted.
    """

    cut_s: float | None = None
    watermark: bool = False
    kept_s: float | None = None


class EnvironmentRule(Struct, frozen=True, kw_only=True):
    """One deployment of the provider. What it omits is taken from the profile's other tables.

    Attributes:
        base_url: the address that the paths of operations are appended to.
        default: used if a client names no environment.
        env: the environment variable with its key, if it has keys of its own.
        key_header: the header that carries the key, if it differs here.
        headers: more headers of every request, by name; `{host}` in a value is the host of the address.
        operations: the operations that exist in it; all of them if None.
        limits: requests per window that differ here, by the name of the quota.
        sandbox: what happens to files, if the environment is a sandbox.
        servers: addresses of single operations in the document → their addresses here; empty for `base_url`.
    """

    base_url: str
    default: bool = False
    env: str | None = None
    key_header: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    operations: tuple[str, ...] | None = None
    limits: dict[str, int] = field(default_factory=dict)
    sandbox: SandboxRule | None = None
    servers: dict[str, str] = field(default_factory=dict)


class EndUserRule(Struct, frozen=True, kw_only=True):
    """How a request names the end user for whom it is made.

    Attributes:
        header: the header with the user.
        required: every request must have it.
        required_on: billing plans on which every request must have it, as the `plan` option names them.
        pseudonym: the header carries a UUID that only the holder of a secret can derive from the caller's own ID;
            otherwise that ID.
    """

    header: str
    required: bool = False
    required_on: tuple[str, ...] = ()
    pseudonym: bool = True
