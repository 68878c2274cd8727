# SPDX-License-Identifier: Apache-2.0
"""Finds the files that say how a project runs, and reads them once for all checks."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from callwell.readiness.check import Place, Unchecked
from callwell.readiness.deployment.facts import Command, DeploymentFacts, ReplicaCount, Variable, Volume
from callwell.readiness.deployment.lines import read_lines
from callwell.readiness.non_production import WORDS, is_development_file, words
from callwell.readiness.texts import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from callwell.readiness.deployment.facts import Fact
    from callwell.readiness.files import ProjectFiles

YAML_SUFFIXES: Final = (".yml", ".yaml", ".json")
DEPLOYING_JSON: Final = re.compile(r'"(?:env|environment|containerDefinitions|apiVersion)"')
"""A JSON file without any of these keys deploys nothing."""

DESCRIPTION: Final = re.compile(r"""\s*\{?\s*["']?(?:openapi|swagger)\b""")
"""The beginning of an OpenAPI document."""

LINES: Final = (".env", ".service", ".sh", ".ini", ".cfg", ".conf", ".toml")
LINE_NAMES: Final = re.compile(
    r"(?:.*\.)?(?:Dockerfile|Containerfile|Procfile|\.env)(?:\..+)?|\.envrc|Makefile|.*gunicorn.*\.py"
)
CONTAINER_NAMES: Final = re.compile(r"(?:.*\.)?(?:Dockerfile|Containerfile)(?:\..+)?|(?:docker-)?compose.*\.ya?ml")

HINTS: Final = (
    *("callwell_", "web:", "workers", "_base_url", "_api_key", "tls", "ssl", "verify", "ca_bundle", "insecure"),
    *("web_concurrency", "gunicorn", "uvicorn", "hypercorn", "granian", "fastapi", "celery", "dramatiq", "uwsgi", "rq"),
    *("replica", "desired", "scale", "numprocs", "instances", "mountpath", "volume", "destination", "sandbox"),
)
"""A file without any of these, in either case, says nothing that a check asks for, so it need not be parsed. Text is
searched for all of them forty times as fast as by one regular expression."""

TEMPLATE: Final = "{{"
"""Helm and other templates are not YAML before they are filled in; they are read in lines."""

CI: Final = re.compile(r"(?:^|/)(?:\.github/workflows/|\.gitlab-ci|\.circleci/|azure-pipelines|bitbucket-pipelines)")
RELEASE: Final = frozenset({"deploy", "deployment", "prod", "production", "release", "publish", "live"})
"""Words in names of CI jobs that deploy. All other jobs are tests."""


@lru_cache(maxsize=1)
def read_deployment(files: ProjectFiles) -> DeploymentFacts:
    """What a project's files say about how it runs in production.

    Args:
        files: the project's files.
    """
    facts: list[Fact] = []
    containers: list[Place] = []
    unchecked: list[Unchecked] = []
    for file in files:
        base = PurePosixPath(file.name).name
        is_tree = base.endswith(YAML_SUFFIXES)
        if not (is_tree or base.endswith(LINES) or LINE_NAMES.fullmatch(base)) or is_development_file(file.name):
            continue
        text = read_text(file)
        if isinstance(text, Unchecked):
            unchecked.append(text)
            continue
        if CONTAINER_NAMES.fullmatch(base):
            containers.append(Place(file.name))
        if has_hint(text) and not _is_something_else(base, text):
            found, problem = _read(file.name, text, is_tree=is_tree)
            facts.extend(found)
            unchecked.extend(problem)
    return DeploymentFacts(
        variables=tuple(fact for fact in facts if isinstance(fact, Variable) and is_of_production(fact)),
        commands=tuple(fact for fact in facts if isinstance(fact, Command)),
        copies=tuple(fact for fact in facts if isinstance(fact, ReplicaCount)),
        mounts=tuple(fact for fact in facts if isinstance(fact, Volume)),
        containers=tuple(containers),
        unchecked=tuple(unchecked),
    )


def has_hint(text: str) -> bool:
    """Whether a file may say something that a check asks for."""
    lowered = text.lower()
    return any(mark in lowered for mark in HINTS)


def _is_something_else(base: str, text: str) -> bool:
    """Whether a file in YAML or JSON deploys nothing."""
    return bool(DESCRIPTION.match(text)) or (base.endswith(".json") and not DEPLOYING_JSON.search(text))


def is_of_production(variable: Variable) -> bool:
    """Whether a variable reaches production: in CI only from jobs that deploy, elsewhere unless its path says trial.

    Args:
        variable: the variable.
    """
    along = set[str]().union(*map(words, variable.path))
    if CI.search(variable.place.path):
        return bool((along | words(variable.place.path)) & RELEASE)
    return not along & WORDS


def _read(name: str, text: str, *, is_tree: bool) -> tuple[Iterable[Fact], Iterable[Unchecked]]:
    if not is_tree:
        return read_lines(name, text), ()
    from callwell.readiness.deployment.yaml_files import NotYaml, read_yaml

    try:
        return list(read_yaml(name, text)), ()
    except (NotYaml, RecursionError) as error:
        if TEMPLATE in text:
            return list(read_lines(name, text)), ()
        what = "the file is not valid YAML or JSON, so what it deploys is not seen"
        line = error.line if isinstance(error, NotYaml) else None
        return (), [Unchecked(what=what, place=Place(name, line))]
