# SPDX-License-Identifier: Apache-2.0
"""Signed URLs that are stored or cached: they expire, and give the file to whoever reads the store."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Check, Finding, Group, Severity
from callwell.readiness.code.python_code import check_modules, read_python
from callwell.readiness.code.signed_values import SignedValues, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callwell.readiness.check import Unchecked
    from callwell.readiness.code.python_module import PythonModule
    from callwell.readiness.project import Project

WRITING: Final = frozenset({"write", "write_text", "writelines", "writerow", "writerows", "dump"})
"""Methods that write to a file."""

TABLE_WRITING: Final = frozenset(
    {"to_csv", "to_sql", "to_parquet", "to_json", "to_excel", "to_feather", "to_pickle", "to_gbq", "write_csv"}
    | {"write_parquet", "write_json", "write_database", "write_excel"}
)
"""Methods of pandas and polars that write the whole table."""

STORING: Final = frozenset(
    {
        *("insert_one", "insert_many", "update_one", "replace_one", "put_item", "upsert", "bulk_create", "set_many"),
        *("update_or_create", "get_or_create", "get_or_set", "setex", "psetex", "hset", "hmset", "mset", "setnx"),
    }
)
"""Methods of databases and caches that store what they are given, whatever the object is called."""

SETTING: Final = frozenset(
    {"set", "add", "put", "create", "update", "insert", "rpush", "lpush", "sadd", "save", "setdefault"}
)
STORE_NAME: Final = re.compile(
    r"(?:^|_)(?:cache|redis|store|storage|memo|memcached?|kv|db|database|collection|table|objects|repo|repository"
    r"|session|shelf|bucket)$",
    re.IGNORECASE,
)
"""Methods that store something if their object is named as a store is."""

WRITING_SQL: Final = re.compile(r"\s*(?:insert|update|replace|merge|upsert)\b", re.IGNORECASE)

CACHING: Final = frozenset(
    {
        *("lru_cache", "cache", "cached", "cachedmethod", "cached_property", "alru_cache", "memoize", "ttl_cache"),
        *("cache_data", "cache_memoize", "memoized", "cache_page"),
    }
)
"""Decorators that keep what a function returns."""

MODEL_BASES: Final = frozenset({"Model", "Base", "SQLModel", "Document", "DeclarativeBase", "Entity"})
"""Classes of ORMs from which tables are derived."""


def run(project: Project) -> Iterator[Finding | Unchecked]:
    """Check everything that is written, stored or cached, except in tests."""
    yield from check_modules(read_python(project).provider_modules(), _check_module)


def _check_module(module: PythonModule) -> Iterator[Finding]:
    signed = SignedValues(module)
    if not signed.possible:
        return
    for node, kept, how in _stores(module):
        path = signed.within(kept)
        if path is None:
            continue
        field = ".".join(path.parts)
        what = f"a signed URL ({field}) is {how}{module.cell(node)}"
        if path.never_expires:
            yield Finding(
                what=f"{what}: that is right for public objects only",
                place=module.place(node),
                identity=f"{field} {how}",
                severity=Severity.NOTE,
            )
        else:
            yield Finding(what=what, place=module.place(node), identity=f"{field} {how}")


def _stores(module: PythonModule) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """What a module keeps: where, the expression, and how it is kept."""
    for call in module.syntax.all(ast.Call):
        yield from _kept_by(module, call)
    for target, value in module.syntax.assignments():
        if isinstance(target, ast.Subscript) and STORE_NAME.search(last_name(target.value)):
            yield target, value, f"kept in {ast.unparse(target.value)}"
        elif isinstance(target, ast.Attribute) and _is_saved(module, target):
            yield target, value, "saved in a record"
    for function in module.syntax.functions():
        if any(_caches(module, decorator) for decorator in function.decorator_list):
            for returned in module.values.bindings.returns(function):
                yield returned, returned, f"cached by {function.name}"


def _kept_by(module: PythonModule, call: ast.Call) -> Iterator[tuple[ast.AST, ast.AST, str]]:
    """What a call keeps: its arguments, or the table that is written."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in TABLE_WRITING:
        yield call, call.func.value, f"written by {call.func.attr}"
    how = _how_kept(module, call)
    if how is not None:
        for kept in [*call.args, *(word.value for word in call.keywords)]:
            yield call, kept, how


def _how_kept(module: PythonModule, call: ast.Call) -> str | None:
    """How a call keeps its arguments; None if it keeps none."""
    if isinstance(call.func, ast.Attribute):
        method = call.func.attr
        owner = last_name(call.func.value)
        if method in WRITING:
            return "written to a file"
        if method in STORING or (method in SETTING and STORE_NAME.search(owner)):
            return f"stored by {owner}.{method}" if owner else f"stored by {method}"
        if method in ("execute", "executemany") and call.args:
            texts = module.values.texts(call.args[0])
            return "stored in a database" if any(WRITING_SQL.match(text) for text in texts) else None
    if _is_model(module, call.func):
        return "saved in a record"
    return None


def _is_model(module: PythonModule, func: ast.expr) -> bool:
    """Whether a call makes a record of a database."""
    if not isinstance(func, ast.Name):
        return False
    imported = module.values.bindings.imported(func)
    if imported:
        *owners, name = imported.split(".")
        return name[:1].isupper() and bool({"models", "orm", "tables", "entities"} & set(owners))
    for node in module.syntax.all(ast.ClassDef):
        if node.name == func.id:
            return any(last_name(base) in MODEL_BASES for base in node.bases)
    return False


def _is_saved(module: PythonModule, target: ast.Attribute) -> bool:
    """Whether the object of an attribute is saved in the same function."""
    if not isinstance(target.value, ast.Name) or target.value.id in ("self", "cls"):
        return False
    function = module.syntax.function(target)
    for node in ast.walk(function if function is not None else module.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="save" | "asave")) if (
                name == target.value.id
            ):
                return True
            case ast.Call(func=ast.Attribute(attr="add" | "merge"), args=[ast.Name(id=name)]) if (
                name == target.value.id
            ):
                return True
    return False


def _caches(module: PythonModule, decorator: ast.expr) -> bool:
    name = module.values.dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return name.rpartition(".")[2] in CACHING


CHECK = Check(
    id="code.signed-urls-kept",
    group=Group.CODE,
    title="Signed URLs are used immediately and never stored",
    severity=Severity.ERROR,
    why="A signed URL expires, so a stored one fails later; until then, whoever reads the store can read the file.",
    fix="Store the ID of the object, and request the file when it is needed: `client.GROUP.METHOD(…).save(path)`.",
    run=run,
)
