# SPDX-License-Identifier: Apache-2.0
"""Whether the parts of a profile fit each other: addresses, keys, quotas, retries, error codes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from callwell.core.addresses import masked
from callwell.description import assess_checks, audio_checks, effect_checks, operation_checks
from callwell.description.error import DescriptionError, found_value
from callwell.description.nearness import near, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.environments import EnvironmentRule
    from callwell.core.rules.profile import Profile, QuotaRule, RetryRule
    from callwell.description.error import KeyPath
    from callwell.description.model import Api

SAFE: Final = frozenset({"GET", "HEAD"})
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ERRORS: Final = range(400, 600)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check(profile: Profile, api: Api) -> None:
    """Look at everything that one field cannot say of itself.

    Args:
        profile: the profile.
        api: the operations that it speaks of.

    Raises:
        DescriptionError: the first thing that does not fit.
    """
    for complaint in _complaints(profile, api):
        raise complaint


def _complaints(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    if not _NAME.fullmatch(profile.name):
        yield DescriptionError(("name",), "expected small letters, digits and underscores", found=profile.name)
    yield from _environments(profile, api)
    yield from _key(profile, api)
    if profile.end_user:
        yield from _header(("end_user", "header"), profile.end_user.header)
    yield from _numbers(profile)
    yield from _retry(profile.retry)
    yield from _quota_headers(profile)
    yield from _codes(profile)
    yield from _webhooks(profile)
    yield from operation_checks.complaints(profile, api)
    yield from effect_checks.complaints(profile, api)
    yield from audio_checks.complaints(profile, api)
    yield from assess_checks.complaints(profile, api)


def _environments(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    path = ("environments",)
    defaults = [name for name, environment in profile.environments.items() if environment.default]
    if not profile.environments:
        yield DescriptionError(path, "expected at least one environment, found none")
    elif len(profile.environments) > 1 and len(defaults) != 1:
        yield DescriptionError(path, f"expected one environment with default = true, found {len(defaults)}")
    for name, environment in profile.environments.items():
        yield from _environment(environment, (*path, name), api)
        for quota, limit in environment.limits.items():
            if quota not in profile.quotas:
                known = near(quota, profile.quotas)
                yield DescriptionError((*path, name, "limits", quota), f"expected {known}", found=quota)
            elif profile.quotas[quota].adaptive:
                yield DescriptionError((*path, name, "limits", quota), "expected a quota that has a limit", found=quota)
            elif limit < 1:
                yield DescriptionError((*path, name, "limits", quota), "expected more than 0", found=limit)


def _environment(rule: EnvironmentRule, path: KeyPath, api: Api) -> Iterator[DescriptionError]:
    if not _absolute(rule.base_url):
        yield DescriptionError(
            (*path, "base_url"), "expected an address such as https://host/path", found=masked(rule.base_url)
        )
    if rule.env is not None and not _VARIABLE.fullmatch(rule.env):
        yield _variable((*path, "env"), rule.env)
    if rule.key_header is not None:
        yield from _header((*path, "key_header"), rule.key_header)
    for header, value in rule.headers.items():
        yield from _header((*path, "headers", header), header)
        if not (value.isascii() and value.isprintable()):
            yield DescriptionError((*path, "headers", header), "expected printable ASCII", found=value)
    for operation in rule.operations or ():
        if operation not in api.operations:
            yield unknown((*path, "operations"), operation, api)


def _header(path: KeyPath, name: str) -> Iterator[DescriptionError]:
    if not _HEADER.fullmatch(name):
        yield DescriptionError(path, "expected the name of a header", found=name)


def _variable(path: KeyPath, name: str) -> DescriptionError:
    return DescriptionError(path, "expected the name of an environment variable", found=name)


def _absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        extra = parts.query or parts.fragment or parts.username or parts.password
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not extra
    except ValueError:
        return False


def _key(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    rule = profile.key
    try:
        re.compile(rule.pattern)
    except re.error as error:
        yield DescriptionError(
            ("key", "pattern"), f"expected a regular expression, {found_value(rule.pattern)}: {error}"
        )
    yield from _header(("key", "header"), rule.header)
    if not _VARIABLE.fullmatch(rule.env):
        yield _variable(("key", "env"), rule.env)
    if rule.canary is None:
        return
    path = ("key", "canary")
    operation = api.operations.get(rule.canary)
    if operation is None:
        yield unknown(path, rule.canary, api)
    elif operation.method not in SAFE:
        yield DescriptionError(path, f"expected a safe operation, found {rule.canary!r}, a {operation.method}")
    elif needed := [one.name for one in operation.parameters if one.required]:
        yield DescriptionError(
            path, f"expected an operation without parameters, found {rule.canary!r} with {needed[0]}"
        )


def _numbers(profile: Profile) -> Iterator[DescriptionError]:
    for name, quota in profile.quotas.items():
        yield from _size(name, quota)
        for method in quota.methods or ():
            if method not in METHODS:
                yield DescriptionError(("quotas", name, "methods"), f"expected {', '.join(METHODS)}", found=method)


def _retry(retry: RetryRule) -> Iterator[DescriptionError]:
    for field in ("attempts", "base_s", "cap_s", "attempt_s"):
        if not getattr(retry, field) > 0:
            yield DescriptionError(("retry", field), "expected more than 0", found=getattr(retry, field))
    if retry.lost_attempts is not None and not retry.lost_attempts > 0:
        yield DescriptionError(("retry", "lost_attempts"), "expected more than 0", found=retry.lost_attempts)
    for field in ("throttles", "max_transit_s", "commit_bound_s", "rekey_wait_s"):
        if not getattr(retry, field) >= 0:
            yield DescriptionError(("retry", field), "expected 0 or more", found=getattr(retry, field))


def _size(name: str, quota: QuotaRule) -> Iterator[DescriptionError]:
    for field, value in (("limit", quota.limit), ("window_s", quota.window_s), ("burst", quota.burst)):
        path = ("quotas", name, field)
        if quota.adaptive and value:
            yield DescriptionError(path, "expected nothing beside adaptive = true", found=value)
        elif not quota.adaptive and value is not None and not value > 0:
            yield DescriptionError(path, "expected adaptive = true, or more than 0", found=value)


def _quota_headers(profile: Profile) -> Iterator[DescriptionError]:
    rule = profile.quota_headers
    for field in ("limit", "remaining", "reset") if rule else ():
        name = getattr(rule, field)
        if name is not None:
            yield from _header(("quota_headers", field), name)


def _codes(profile: Profile) -> Iterator[DescriptionError]:
    for code, rule in profile.errors.codes.items():
        path = ("errors", "codes", code)
        if rule.status not in ERRORS:
            yield DescriptionError((*path, "status"), "expected a status from 400 to 599", found=rule.status)
        elif rule.not_done and rule.status < 500:  # noqa: PLR2004 - where server errors begin
            yield DescriptionError(
                (*path, "not_done"), "expected a 5xx, for which alone it is a question", found=rule.status
            )


def _webhooks(profile: Profile) -> Iterator[DescriptionError]:
    rule = profile.webhooks
    for field in ("signature", "id") if rule else ():
        name = getattr(rule, field)
        if name is not None and not _HEADER.fullmatch(name):
            yield DescriptionError(("webhooks", field), "expected the name of a header", found=name)
    for event, said in rule.events.items() if rule else ():
        fields = (*said.texts, *said.numbers, *said.flags)
        if len(set(fields)) != len(fields):
            yield DescriptionError(("webhooks", "events", event), "expected each field once, found one again")
