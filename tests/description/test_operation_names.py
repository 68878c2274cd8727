# SPDX-License-Identifier: Apache-2.0
"""The names of operations follow the rule, are stable, and none appears twice."""

from __future__ import annotations

from typing import Any

import pytest

from callwell import AsyncClient, Client
from callwell.description import openapi
from callwell.description.names import name_parameters
from callwell.description.operation_names import CLIENT_NAMES, OperationSource, is_operation_name, name_operations


@pytest.mark.parametrize(
    ("operation_id", "tag", "method", "path", "name"),
    [
        # 1. A group and a method already.
        ("things.list", "Other", "GET", "/x", "things.list"),
        ("things.import", "", "POST", "/x", "things.import"),
        ("pages.get", "", "GET", "/x", "pages.get"),
        # 2. A separator.
        ("repos/list-for-user", "repos", "GET", "/users/{username}/repos", "repos.list_for_user"),
        ("chat.completions.create", "", "POST", "/chat/completions", "chat_completions.create"),
        ("Things.List", "", "GET", "/x", "things.list"),
        ("a::b", "", "GET", "/x", "a.b"),
        ("gists/import", "gists", "POST", "/gists", "gists.import_"),
        ("pages/get", "pages", "GET", "/pages", "pages_.get"),
        # 3. The method and the path once more, or nothing.
        ("PostCharges", "", "POST", "/v1/charges", "charges.create"),
        ("GetCharges", "", "GET", "/v1/charges", "charges.list"),
        ("GetChargesCharge", "", "GET", "/v1/charges/{charge}", "charges.get"),
        ("PostChargesCharge", "", "POST", "/v1/charges/{charge}", "charges.update"),
        ("PostChargesChargeRefunds", "", "POST", "/v1/charges/{charge}/refunds", "charges.create_refund"),
        ("PostChargesChargeCapture", "", "POST", "/v1/charges/{charge}/capture", "charges.capture"),
        ("GetChargesSearch", "", "GET", "/v1/charges/search", "charges.search"),
        ("GetBalance", "", "GET", "/v1/balance", "balance.get"),
        ("get_files_id_versions_id", "File versions", "GET", "/files/{file_id}/versions/{id}", "files.get_version"),
        ("", "", "GET", "/things", "things.list"),
        ("", "Tagged", "DELETE", "/api/v2/things/{id}", "things.delete"),
        ("", "", "PATCH", "/things/{id}", "things.update"),
        ("", "", "GET", "/{id}/parts", "parts.list"),
        ("", "", "GET", "/", "api.get"),
        ("", "", "POST", "/2fa", "api_2fa.create"),
        ("!!", "", "GET", "/class", "class_.get"),
        # 4. A tag, or the path.
        ("ListMessage", "Api20100401Message", "GET", "/2010-04-01/Accounts/{Sid}/Messages.json", "messages.list"),
        ("get-a-show", "Shows", "GET", "/shows/{id}", "shows.get"),
        ("getPetById", "pet", "GET", "/pet/{petId}", "pet.get_by_id"),
        ("getPets", "pets", "GET", "/pets", "pets.list"),
        ("getPet", "pets", "GET", "/pets/{id}", "pets.get"),
        ("getAccounts", "Accounting", "GET", "/Accounts", "accounting.get_accounts"),
        ("apps_create", "Apps", "POST", "/v2/apps", "apps.create"),
        ("replaceCoreV1NamespacedPod", "core_v1", "PUT", "/api/v1/pods/{name}", "core_v1.replace_namespaced_pod"),
        ("delete_channel", "", "DELETE", "/channels/{channel_id}", "channels.delete"),
        ("get_my_user", "", "GET", "/users/@me", "users.get_my"),
        ("read_item_items__item_id__get", "items", "GET", "/items/{item_id}", "items.read"),
        ("search", "search", "GET", "/search", "search.search"),
        ("2fa", "auth", "POST", "/2fa", "auth.post_2fa"),
        ("listThings", "使用者", "GET", "/things", "things.list"),
        ("get-/crm/v3/deals/{dealId}_getById", "Basic", "GET", "/crm/v3/deals/{dealId}", "basic.get_by_id"),
        ("getPet", "pet-controller", "GET", "/pets/{id}", "pet.get"),
        ("listThings", "controller", "GET", "/things", "controller.list_things"),
        ("create_person", "people", "POST", "/people", "people.create"),
        ("getAlias", "aliases", "GET", "/aliases/{name}", "aliases.get"),
        ("", "", "POST", "/things/{id}/statuses", "things.create_status"),
        ("", "", "GET", "/sms", "sms.get"),
        # 5. A class and its method.
        ("CatsController_findAll", "cats", "GET", "/cats", "cats.find_all"),
        ("CatsController_findAll", "", "GET", "/cats", "cats.find_all"),
        ("AuthorizationRolesController_list", "authorization", "GET", "/auth/roles", "authorization.list_roles"),
        ("AuthorizationPermissionsController_delete", "permissions", "DELETE", "/p/{id}", "permissions.delete"),
        ("PlansController_deletePlan", "plans", "DELETE", "/plans/{id}", "plans.delete"),
        ("SsoController_getProfile", "sso", "GET", "/sso/profile", "sso.get_profile"),
        ("InvitesController_sendInvite", "users", "POST", "/invites", "users.send_invite"),
        ("Web.KeyController.rekey", "", "POST", "/keys/rekey", "key.rekey"),
        ("cats_controller_create", "cats", "POST", "/cats", "cats.create"),
    ],
)
def test_names(operation_id: str, tag: str, method: str, path: str, name: str) -> None:
    """Group and method of one operation."""
    assert name_operations([OperationSource(operation_id, tag, method, path)]) == [name]


def test_clashes() -> None:
    """Each name is given once: the shorter path keeps it, whatever the order of the document."""
    sources = [
        OperationSource("things/get", "", "GET", "/things/{id}/{thingId}"),
        OperationSource("things/get", "", "GET", "/things"),
        OperationSource("things/get", "", "POST", "/things"),
        OperationSource("things/get", "", "GET", "/things/{id}"),
        OperationSource("thingsGet", "things", "PUT", "/things"),
    ]
    names = name_operations(sources)
    assert names == ["things.get_by_thing_id", "things.get", "things.things_get", "things.get_by_id", "things.get_put"]
    assert name_operations(sources[::-1]) == names[::-1]


def test_a_name_in_our_form_goes_first() -> None:
    """A derived name makes way for one that the document gives."""
    sources = [OperationSource("", "", "GET", "/things"), OperationSource("things.list", "", "GET", "/all/things")]
    assert name_operations(sources) == ["things.list_get", "things.list"]


def test_many_clashes() -> None:
    """The same operation a hundred times has a hundred names, all of which can be attributes."""
    names = name_operations([OperationSource("same", "", "GET", "/same")] * 100)
    assert len(set(names)) == 100
    assert all(map(is_operation_name, names))


def test_names_of_the_client_are_known() -> None:
    """No group is called like an attribute that every client has."""
    attributes = {name for kind in (Client, AsyncClient) for name in dir(kind) if not name.startswith("_")}
    assert attributes | {"provider", "config"} == CLIENT_NAMES


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ([("query", "uris"), ("body", "uris")], ["uris", "uris_body"]),
        ([("query", "DateSent"), ("query", "DateSent<"), ("query", "DateSent>")], None),
        ([("query", "a-b"), ("query", "a_b"), ("query", "a.b")], ["a_b", "a_b_query", "a_b_2"]),
        ([("query", "$"), ("query", "_")], ["value", "value_query"]),
        ([("query", "from"), ("query", "from_")], ["from", "from_query"]),
        ([("query", "id"), ("query", "type")], ["id", "type"]),
    ],
)
def test_parameters(wire: list[tuple[str, str]], python: list[str] | None) -> None:
    """Two parameters of an operation never have one Python name."""
    assert name_parameters(wire) == (python or ["date_sent", "date_sent_lt", "date_sent_gt"])


def test_they_have_distinct_names_in_an_operation() -> None:
    """The first location keeps the name; the name on the wire stays."""
    text: dict[str, Any] = {"type": "string"}
    operation: dict[str, Any] = {
        "parameters": [{"name": "uris", "in": "query", "schema": text}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object", "properties": {"uris": text}}}},
        },
        "responses": {},
    }
    api = openapi.read({"openapi": "3.2.0", "paths": {"/things": {"post": operation}}})
    assert [
        (parameter.location, parameter.name, parameter.wire_name)
        for parameter in api.operations["things.create"].parameters
    ] == [
        ("query", "uris", "uris"),
        ("body", "uris_body", "uris"),
    ]
