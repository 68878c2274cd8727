# SPDX-License-Identifier: Apache-2.0
"""Whatever a document calls its schemas, fields and groups: one legal class for each, and no name is hidden.

`tests/typing` checks the same package with mypy and pyright.
"""

from __future__ import annotations

import gzip
import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING, Any, get_args

import pytest

from callwell import Key
from callwell.codegen.package_code import package_code
from callwell.codegen.package_files import write_package
from callwell.description.loading import load_provider
from tests.codegen import nasty
from tests.structure import tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLISHED = tree.ROOT.parent / "shared" / "openapi"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The imported package of the nasty description."""
    folder = nasty.write(tmp_path_factory.mktemp("nasty") / "nasty")
    write_package(folder, package_code(load_provider(folder)).files)
    sys.path.insert(0, str(folder.parent))
    try:
        yield importlib.import_module("nasty")
    finally:
        sys.path.remove(str(folder.parent))
        for name in [name for name in sys.modules if name.partition(".")[0] == "nasty"]:
            del sys.modules[name]


def test_every_module_loads(package: Any) -> None:
    """Every module of the package can be imported, and both clients make every group."""
    for module in pkgutil.walk_packages(package.__path__, "nasty."):
        importlib.import_module(module.name)
    with package.Nasty(key=Key("k")) as client:
        names = [name for name, value in vars(type(client)).items() if type(value).__name__ == "cached_property"]
        assert {"things", "pages_", "pet", "import_", "path", "group", "nasty"} <= set(names)
        assert all(getattr(client, name) for name in names)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("User", {"b"}),
        ("User2", {"a"}),
        ("USER", {"d"}),
        ("USER2", {"c"}),
        ("Model2faCode", {"value"}),
        ("AssetModel", {"pager"}),
        ("PathModel", {"asset"}),
        ("AnyModel", {"literal", "typed_dict"}),
        ("TimeoutErrorModel", {"code"}),
        ("NastyModel", {"async_nasty"}),
        ("Model", {"e"}),
        ("Pet", {"class", "owner", "x-y"}),
        ("Dunder", {"__typename", "_private"}),
        ("ThingsGet", {"taken", "cast"}),
        ("Titled", {"f"}),
        ("Inline", {"x"}),
    ],
)
def test_classes(package: Any, name: str, fields: set[str]) -> None:
    """The names of schemas, as the rule of `class_names` makes them."""
    models = importlib.import_module(f"{package.__name__}.models")
    assert set(getattr(models, name).__annotations__) == fields


def test_one_class_for_one_schema(package: Any) -> None:
    """A schema has one class, however often and with whatever description it is referred to."""
    models = importlib.import_module(f"{package.__name__}.models")
    classes = {id(var): var for var in vars(models).values() if hasattr(var, "__total__")}  # aliases appear twice
    shapes = [frozenset(item.__annotations__) for item in classes.values()]
    assert len([shape for shape in shapes if shape]) == len({shape for shape in shapes if shape})
    assert models.Branch.__annotations__["children"].__forward_arg__ == "list[Tree]"
    fields = {name: kind.__forward_arg__ for name, kind in models.ThingsGet2.__annotations__.items()}
    found = [fields[f"field {[*nasty.SCHEMAS].index(name)}"] for name in ("Pet", "Effort", "Kind", "Titled")]
    assert found == ["Pet | None", "Effort | None", "Kind | None", "Titled | None"]
    assert (get_args(models.Effort), get_args(models.Kind)) == (("low", "medium", "high", "max"), (1, 2))
    assert get_args(models.Price) == ("0", "1", "2.5", "true")


@pytest.mark.parametrize("name", ["discord.json", "petstore.yaml"])
def test_published_documents_compile(name: str, tmp_path: Path) -> None:
    """The client of a document as its provider publishes it is Python."""
    packed = PUBLISHED / f"{name}.gz"
    if not packed.exists():
        pytest.skip("the published documents are not here")
    (tmp_path / f"openapi.{name.partition('.')[2]}").write_bytes(gzip.decompress(packed.read_bytes()))
    (tmp_path / "profile.toml").write_text(nasty.PROFILE, encoding="utf-8")
    for path, code in package_code(load_provider(tmp_path)).files.items():
        compile(code, path, "exec")
