# SPDX-License-Identifier: Apache-2.0
"""Checks of a whole profile: its parts must agree with each other, and with the OpenAPI document.

The module `profile` checks the types of single fields first. The checks here need more than one field: a quota that an
operation names must exist, a path into a response must lead to a value of the right type.

Each check is a generator of `DescriptionError`s, one module for each part of a profile. `check` raises the first one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from callwell.core.addresses import mask_address
from callwell.description import assess_checks, audio_checks, operation_checks, upload_checks
from callwell.description.error import DescriptionError, closest_names, found_value, unknown_operation
from callwell.description.schema_checks import check_argument, check_response_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.core.rules.environments import EnvironmentRule
    from callwell.core.rules.profile import Profile, QuotaRule, RetryRule, TokenRule
    from callwell.description.error import KeyPath
    from callwell.description.model import Api

SAFE: Final = frozenset({"GET", "HEAD"})
"""Methods of operations that may try a key: the safe ones of RFC 9110, section 9.2.1, that read a resource."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ERROR_STATUSES: Final = range(400, 600)
FIRST_SERVER_ERROR: Final = 500

_PROVIDER_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A token of RFC 9110, section 5.6.2."""

_CHECK_NAME: Final = re.compile(r"[a-z]+(\.[a-z0-9]+(-[a-z0-9]+)*)?")
"""The ID of a check of the go-live list, or of a group of checks."""

_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check(profile: Profile, api: Api) -> None:
    """Check everything that a single field cannot show.

    Args:
        profile: the profile.
        api: the operations of the provider, including those that the profile derives.

    Raises:
        DescriptionError: the first error.
    """
    for error in _iter_errors(profile, api):
        raise error


def _iter_errors(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    if not _PROVIDER_NAME.fullmatch(profile.name):
        yield DescriptionError(("name",), "expected lower-case letters, digits and underscores", found=profile.name)
    yield from _check_environments(profile, api)
    yield from _check_key(profile, api)
    if profile.end_user:
        yield from _check_header(("end_user", "header"), profile.end_user.header)
    for name, quota in profile.quotas.items():
        yield from _check_quota(quota, ("quotas", name))
    yield from _check_retry(profile.retry)
    yield from _check_quota_headers(profile)
    yield from _check_codes(profile)
    yield from _check_webhooks(profile)
    if profile.key.token:
        yield from _check_token(profile.key.token, api)
    yield from operation_checks.iter_errors(profile, api)
    yield from upload_checks.iter_errors(profile, api)
    yield from audio_checks.iter_errors(profile, api)
    yield from assess_checks.iter_errors(profile, api)
    yield from _check_practices(profile)


def _check_environments(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    path = ("environments",)
    defaults = [name for name, environment in profile.environments.items() if environment.default]
    if not profile.environments:
        yield DescriptionError(path, "expected at least one environment, found none")
    elif len(profile.environments) > 1 and len(defaults) != 1:
        yield DescriptionError(path, f"expected one environment with default = true, found {len(defaults)}")
    for name, environment in profile.environments.items():
        yield from _check_environment(environment, (*path, name), api)
        yield from _check_limits(profile, environment, (*path, name, "limits"))


def _check_environment(rule: EnvironmentRule, path: KeyPath, api: Api) -> Iterator[DescriptionError]:
    if not _is_base_url(rule.base_url):
        # An address may contain a password, which must not be in a message.
        address = mask_address(rule.base_url)
        yield DescriptionError((*path, "base_url"), "expected an address such as https://host/path", found=address)
    if rule.env is not None:
        yield from _check_variable((*path, "env"), rule.env)
    if rule.key_header is not None:
        yield from _check_header((*path, "key_header"), rule.key_header)
    for header, value in rule.headers.items():
        yield from _check_header((*path, "headers", header), header)
        if not (value.isascii() and value.isprintable()):
            yield DescriptionError((*path, "headers", header), "expected printable ASCII", found=value)
    for operation in rule.operations or ():
        if operation not in api.operations:
            yield unknown_operation((*path, "operations"), operation, api)


def _check_limits(profile: Profile, rule: EnvironmentRule, path: KeyPath) -> Iterator[DescriptionError]:
    for name, limit in rule.limits.items():
        if name not in profile.quotas:
            known = closest_names(name, profile.quotas)
            yield DescriptionError((*path, name), f"expected {known}", found=name)
        elif profile.quotas[name].adaptive:
            yield DescriptionError((*path, name), "expected a quota that has a limit", found=name)
        elif limit < 1:
            yield DescriptionError((*path, name), "expected more than 0", found=limit)


def _check_header(path: KeyPath, name: str) -> Iterator[DescriptionError]:
    if not HEADER_NAME.fullmatch(name):
        yield DescriptionError(path, "expected the name of a header", found=name)


def _check_variable(path: KeyPath, name: str) -> Iterator[DescriptionError]:
    if not _VARIABLE_NAME.fullmatch(name):
        yield DescriptionError(path, "expected the name of an environment variable", found=name)


def _is_base_url(url: str) -> bool:
    """Whether a URL can be a base URL: absolute, without query or fragment, and without credentials."""
    try:
        parts = urlsplit(url)
        has_more = parts.query or parts.fragment or parts.username or parts.password
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not has_more
    except ValueError:
        return False


def _check_key(profile: Profile, api: Api) -> Iterator[DescriptionError]:
    rule = profile.key
    try:
        re.compile(rule.pattern)
    except re.error as error:
        expected = f"expected a regular expression, {found_value(rule.pattern)}: {error}"
        yield DescriptionError(("key", "pattern"), expected)
    yield from _check_header(("key", "header"), rule.header)
    yield from _check_variable(("key", "env"), rule.env)
    if rule.page and not _is_page(rule.page):
        yield DescriptionError(("key", "page"), "expected the address of a page", found=mask_address(rule.page))
    if rule.expires_s is not None and not rule.expires_s > 0:
        yield DescriptionError(("key", "expires_s"), "expected more than 0", found=rule.expires_s)
    if rule.canary is None:
        return
    path = ("key", "canary")
    operation = api.operations.get(rule.canary)
    if operation is None:
        yield unknown_operation(path, rule.canary, api)
        return
    required = [parameter.name for parameter in operation.parameters if parameter.required]
    if operation.method not in SAFE:
        yield DescriptionError(path, f"expected a safe operation, found {rule.canary!r}, a {operation.method}")
    elif required:
        expected = f"expected an operation without required parameters, found {rule.canary!r} with {required[0]}"
        yield DescriptionError(path, expected)


def _check_practices(profile: Profile) -> Iterator[DescriptionError]:
    for name, practice in profile.practices.items():
        path = ("practices", name)
        if not _is_page(practice.page):
            found = mask_address(practice.page)
            yield DescriptionError((*path, "page"), "expected the address of a page", found=found)
        for check_id in practice.checks:
            if not _CHECK_NAME.fullmatch(check_id):
                expected = "expected IDs of checks, such as keys.unused, or groups, such as leaks"
                yield DescriptionError((*path, "checks"), expected, found=check_id)


def _is_page(url: str) -> bool:
    """Whether a URL can be opened in a browser."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _check_token(rule: TokenRule, api: Api) -> Iterator[DescriptionError]:
    path = ("key", "token")
    for field, name, argument in (("issue", rule.issue, "key"), ("renew", rule.renew, "refresh")):
        operation = api.operations.get(name)
        if operation is None:
            yield unknown_operation((*path, field), name, api)
            continue
        if not operation.keyless:
            yield DescriptionError((*path, field), "expected an operation that is called without the key", found=name)
        yield from check_argument(operation, getattr(rule, argument), (*path, argument), "string")
        for path_field, kind in (("access_at", "string"), ("refresh_at", "string"), ("expires_at", "integer")):
            yield from check_response_path(operation, getattr(rule, path_field), kind, (*path, path_field))


def _check_quota(rule: QuotaRule, path: KeyPath) -> Iterator[DescriptionError]:
    for field in ("limit", "window_s", "burst"):
        value = getattr(rule, field)
        if rule.adaptive and value:
            yield DescriptionError((*path, field), "expected nothing beside adaptive = true", found=value)
        elif not rule.adaptive and value is not None and not value > 0:
            yield DescriptionError((*path, field), "expected adaptive = true, or more than 0", found=value)
    for method in rule.methods or ():
        if method not in METHODS:
            yield DescriptionError((*path, "methods"), f"expected {', '.join(METHODS)}", found=method)


def _check_retry(rule: RetryRule) -> Iterator[DescriptionError]:
    # `not value > 0` rather than `value <= 0`: TOML has nan, and all its comparisons are false.
    for field in ("attempts", "base_s", "cap_s", "attempt_s", "lost_attempts"):
        value = getattr(rule, field)
        if value is not None and not value > 0:
            yield DescriptionError(("retry", field), "expected more than 0", found=value)
    for field in ("throttles", "max_transit_s", "commit_bound_s", "rekey_wait_s"):
        value = getattr(rule, field)
        if not value >= 0:
            yield DescriptionError(("retry", field), "expected 0 or more", found=value)


def _check_quota_headers(profile: Profile) -> Iterator[DescriptionError]:
    rule = profile.quota_headers
    if rule is None:
        return
    for field in ("limit", "remaining", "reset"):
        name = getattr(rule, field)
        if name is not None:
            yield from _check_header(("quota_headers", field), name)


def _check_codes(profile: Profile) -> Iterator[DescriptionError]:
    for code, rule in profile.errors.codes.items():
        path = ("errors", "codes", code)
        if rule.status not in ERROR_STATUSES:
            yield DescriptionError((*path, "status"), "expected a status from 400 to 599", found=rule.status)
        elif rule.not_done and rule.status < FIRST_SERVER_ERROR:
            # A 4xx means that nothing was done: only a 5xx leaves the outcome open.
            yield DescriptionError((*path, "not_done"), "expected this for a 5xx only", found=rule.status)


def _check_webhooks(profile: Profile) -> Iterator[DescriptionError]:
    rule = profile.webhooks
    if rule is None:
        return
    for field in ("signature", "id"):
        name = getattr(rule, field)
        if name is not None:
            yield from _check_header(("webhooks", field), name)
    for name, event in rule.events.items():
        fields = (*event.texts, *event.numbers, *event.flags)
        if len(set(fields)) != len(fields):
            yield DescriptionError(("webhooks", "events", name), "expected each field once, found one again")
