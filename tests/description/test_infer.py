# SPDX-License-Identifier: Apache-2.0
"""What is inferred besides paging: environments, the key, errors, quota headers. Whatever is written, loads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.core.rules.profile import QuotaHeaderRule
from callwell.description import profile
from callwell.description.infer.environments import PLACEHOLDER, infer_environments
from callwell.description.infer.inference import Inferred, infer, to_provider_name
from callwell.description.infer.profile_text import to_toml, write_profile
from callwell.description.intake.document import read_intake

if TYPE_CHECKING:
    from callwell.description.infer.facts import DocumentFacts

GET: dict[str, Any] = {"responses": {"200": {"description": ""}}}


def read(**document: Any) -> Inferred:
    """What is inferred of a document."""
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": {"/things": {"get": GET}},
        **document,
    }
    return infer(facts_of(whole), "shop")


def facts_of(document: dict[str, Any]) -> DocumentFacts:
    """The facts of a document; what is inferred of it loads."""
    facts = read_intake(msgspec.json.encode(document), Path("shop.json"), without_siblings=True).facts
    profile.parse(write_profile(infer(facts, "shop")), facts.api)
    return facts


def failing(
    status: str, schema: dict[str, Any], media: str = "application/json", headers: Any = None
) -> dict[str, Any]:
    """A document with one error response."""
    response = {"description": "no", "headers": headers or {}, "content": {media: {"schema": schema}}}
    return {"/things": {"get": {"responses": {**GET["responses"], status: response}}}}


def texts(*names: str) -> dict[str, Any]:
    """The schema of an object of strings."""
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


@pytest.mark.parametrize(
    ("servers", "address", "expected"),
    [
        ([{"url": "https://api.shop.example/v1/"}], "", {"production": "https://api.shop.example/v1"}),
        (
            [{"url": "https://sandbox.shop.example"}, {"url": "https://api.shop.example", "description": "Live"}],
            "",
            {"production": "https://api.shop.example", "sandbox": "https://sandbox.shop.example"},
        ),
        (
            [
                {
                    "url": "https://{env}.shop.example",
                    "variables": {"env": {"default": "api", "enum": ["api", "staging"]}},
                }
            ],
            "",
            {"production": "https://api.shop.example", "staging": "https://staging.shop.example"},
        ),
        (
            [{"url": "https://{region}.x.example", "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}}}],
            "",
            {"production": "https://eu.x.example", "us": "https://us.x.example"},
        ),
        ([{"url": "http://a.example/v1"}, {"url": "https://a.example/v1"}], "", {"production": "https://a.example/v1"}),
        ([{"url": "http://a.example/v1"}], "", {"production": "https://a.example/v1"}),
        ([{"url": "http://localhost:8000"}], "", {"local": "http://localhost:8000"}),
        ([{"url": "/api/v3"}], "https://a.example/docs/openapi.json", {"production": "https://a.example/api/v3"}),
        ([{"url": "//a.example/v1"}], "", {"production": "https://a.example/v1"}),
        ([{"url": "/api/v3"}], "", {"production": PLACEHOLDER}),
        ([{"url": "https://{tenant}.x.example"}], "", {"production": PLACEHOLDER}),
        ("nonsense", "", {"production": PLACEHOLDER}),
    ],
)
def test_environments(servers: Any, address: str, expected: dict[str, str]) -> None:
    """Each server is one, under the name that its words give it."""
    found = infer_environments({"servers": servers}, address, "SHOP_API_KEY")
    assert bool(found.questions) == (PLACEHOLDER in expected.values())
    assert {name: one.value.base_url for name, one in found.by_name.items()} == expected
    assert [name for name, one in found.by_name.items() if one.value.default] == (
        ["production"] if len(expected) > 1 else []
    )


@pytest.mark.parametrize(("url", "level"), [("http://a.example", "assumed"), ("https://a.example", "documented")])
def test_a_server_without_tls_is_assumed_to_have_it(url: str, level: str) -> None:
    """No key is sent without TLS, so the document's own address could not be used."""
    found = infer_environments({"servers": [{"url": url}]}, "", "SHOP_API_KEY").by_name["production"]
    assert (found.level, "sent by https only" in found.reason) == (level, level == "assumed")


def test_a_sandbox_has_keys_of_its_own() -> None:
    """A production key must not travel there; regions share theirs."""
    servers = [{"url": "https://api.x.example"}, {"url": "https://sandbox.x.example"}, {"url": "https://eu.x.example"}]
    found = infer_environments({"servers": servers}, "", "SHOP_API_KEY").by_name
    assert {name: one.value.env for name, one in found.items()} == {
        "production": None,
        "sandbox": "SHOP_SANDBOX_API_KEY",
        "eu": None,
    }


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ({"type": "http", "scheme": "bearer"}, ("bearer", "authorization")),
        ({"type": "http", "scheme": "Basic"}, ("basic", "authorization")),
        ({"type": "apiKey", "in": "header", "name": "X-API-Key"}, ("header", "x-api-key")),
        ({"type": "apiKey", "in": "header", "name": "Authorization"}, ("header", "authorization")),
        (
            {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Bearer <key>`"},
            ("bearer", "authorization"),
        ),
        ({"type": "oauth2", "flows": {}}, ("bearer", "authorization")),
        ({"type": "apiKey", "in": "query", "name": "key"}, ("none", "authorization")),
    ],
)
def test_keys(scheme: dict[str, Any], expected: tuple[str, str]) -> None:
    """The scheme that operations accept, as far as a profile can say it."""
    found = read(components={"securitySchemes": {"main": scheme}}, security=[{"main": []}]).key
    assert (found.rule.value.scheme, found.rule.value.header) == expected
    assert found.rule.level == ("assumed" if expected[0] == "none" else "documented")


@pytest.mark.parametrize(
    ("security", "level"),
    [([{"id": [], "secret": []}], "assumed"), ([{"id": []}, {"id": [], "secret": []}], "documented")],
)
def test_schemes_that_are_needed_together(security: list[Any], level: str) -> None:
    """A profile has one key: what else every request needs is a question."""
    schemes = {name: {"type": "apiKey", "in": "header", "name": f"X-{name}"} for name in ("id", "secret")}
    document = {
        "openapi": "3.0.0",
        "security": security,
        "paths": {"/a": {"get": {"responses": {"200": {}}}}},
        "components": {"securitySchemes": schemes},
    }
    key = infer(facts_of(document)).key
    assert key.rule.level == level
    assert any("secret" in question.text and "as well" in question.text for question in key.questions) == (
        level == "assumed"
    )


def test_a_word_before_the_key_belongs_to_it() -> None:
    """The pattern says so to everyone who forgets it."""
    scheme = {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Authorization: Token abc"}
    rule = read(components={"securitySchemes": {"main": scheme}}, security=[{"main": []}]).key.rule.value
    assert rule.pattern == r"Token \S+"


def test_without_schemes_a_401_speaks_for_a_key() -> None:
    """Else there is none."""
    assert read().key.rule.value.scheme == "none"
    assert read(paths=failing("401", texts("message"))).key.rule.value.scheme == "bearer"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (texts("message", "code"), (("code",), ("message",), None)),
        (
            {"type": "object", "properties": {"error": texts("message", "type", "code")}},
            (("error.code", "error.type"), ("error.message",), None),
        ),
        ({"type": "object", "properties": {"error": {"type": "string"}}}, ((), ("error",), None)),
        (
            {"type": "object", "properties": {"errors": {"type": "array", "items": texts("message", "field", "code")}}},
            (("code",), ("message",), "errors"),
        ),
        ({"type": "array", "items": texts("message", "errorCode")}, (("0.errorCode",), ("0.message",), None)),
        (
            {
                "type": "object",
                "properties": {"detail": {"type": "array", "items": {"type": "object", "properties": {
                    "loc": {"type": "array", "items": {}}, "msg": {"type": "string"}, "type": {"type": "string"}}}}},
            },
            (("type",), ("msg",), "detail"),
        ),
    ],
)  # fmt: skip
def test_errors(schema: dict[str, Any], expected: tuple[Any, ...]) -> None:
    """Where message and code are, and the list of problems."""
    found = read(paths=failing("422", schema)).errors
    assert found is not None
    assert (found.value.code, found.value.message, found.value.problems) == expected


def test_problem_json() -> None:
    """The code is the end of the problem's type (RFC 9457)."""
    found = read(paths=failing("400", texts("type", "title", "detail"), "application/problem+json")).errors
    assert found is not None
    assert (found.value.code, found.value.code_is, found.value.message) == (("type",), "url", ("detail", "title"))


def test_quota_headers() -> None:
    """As they are documented; a reset is the time unless its description says otherwise."""
    headers = {
        "X-RateLimit-Limit": {"description": "of the window"},
        "X-RateLimit-Remaining": {},
        "X-RateLimit-Reset": {"description": "seconds until the window ends"},
    }
    found = read(paths=failing("429", {}, headers=headers)).quota.headers
    assert found is not None
    assert found.value == QuotaHeaderRule(
        limit="x-ratelimit-limit", remaining="x-ratelimit-remaining", reset="x-ratelimit-reset", reset_is="delta"
    )


def test_limits_in_texts_are_questions() -> None:
    """A person must say which requests count."""
    described = read(info={"title": "Shop", "version": "1", "description": "At most 1,200 requests per minute."})
    [question] = described.quota.questions
    assert question.example == ("[quotas.minute]", "limit = 1200", "window_s = 60")


@given(st.text())
def test_every_text_can_be_written(text: str) -> None:
    """TOML reads it back, without control characters."""
    read_back = tomllib.loads(f"a = {to_toml(text)}")["a"]
    assert read_back.replace(" ", "") in (text.replace(" ", ""), read_back.replace(" ", ""))
    assert len(read_back) == len(text)


@given(st.text())
def test_every_title_makes_a_name(text: str) -> None:
    """Or a name that says nothing."""
    assert re.fullmatch("[a-z][a-z0-9_]*", to_provider_name(text))


def test_the_link_header_of_other_lists() -> None:
    """A document that describes the header at one list means all that have the same cursor."""
    things = {"type": "array", "items": texts("id")}
    content = {"application/json": {"schema": things}}
    responses = {"200": {"description": "", "content": content}}
    linked = {"200": {"description": "", "content": content, "headers": {"Link": {"schema": {"type": "string"}}}}}

    def operation(cursor: str, found: dict[str, Any]) -> dict[str, Any]:
        plain = {"type": "array", "items": {"type": "string"}}
        return {
            "parameters": [{"name": cursor, "in": "query", "schema": {"type": "string"}}],
            "responses": found if found is linked else {"200": {"content": {"application/json": {"schema": plain}}}},
        }

    found = read(
        paths={
            "/things": {"get": operation("cursor", linked)},
            "/parts": {"get": operation("cursor", responses)},
            "/others": {"get": operation("marker", responses)},
        }
    )
    assert {name: rule.level for name, rule in found.lists.items()} == {
        "things.list": "documented",
        "parts.list": "assumed",
    }
    assert list(found.unclear) == ["others.list"]
