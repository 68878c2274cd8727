# SPDX-License-Identifier: Apache-2.0
"""How a project runs is read from its files, whatever their form and whatever is in them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callwell.readiness.deployment.lines import read_lines
from callwell.readiness.deployment.processes import find_replicas
from callwell.readiness.deployment.reading import read_deployment
from callwell.readiness.deployment.yaml_files import NotYaml, read_yaml
from tests.readiness.accounts import make_project

if TYPE_CHECKING:
    from pathlib import Path

PIECES: Final = st.sampled_from(
    [
        *("services:", "replicas: 3", "env:", "- name: A_B", "value: 1", "command: [a, b", "]", "&x", "*x", "<<: *x"),
        *(
            "CMD [",
            '"gunicorn',
            "-w 4",
            "ENV A_B c",
            "A_B='c",
            "\\",
            "#",
            "---",
            "!!python/name:x",
            "\t",
            "workers=",
            ":",
        ),
    ]
)


@given(st.lists(st.tuples(PIECES, st.sampled_from([" ", "\n", "\n  "])).map("".join)).map("".join) | st.text())
def test_any_text_is_read(text: str) -> None:
    """A string is read, or is said to be no tree; nothing else happens."""
    list(read_lines("gunicorn.conf", text))
    with suppress(NotYaml):
        list(read_yaml("compose.yaml", text))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Procfile", "web: gunicorn -w4 app:app\n", "gunicorn with -w 4"),
        (
            "app.service",
            "[Service]\nExecStart=/usr/local/bin/uvicorn app:app --workers=3\n",
            "uvicorn with --workers 3",
        ),
        (
            "start.sh",
            "exec gunicorn \\\n  --workers ${WORKERS:-3} \\\n  app:app\n",
            "gunicorn with --workers ${WORKERS:-3}",
        ),
        ("start.sh", "gunicorn --workers ${WORKERS:-1} app:app\n", ""),
        ("start.sh", 'sh -c "celery -A app worker"\n', "celery, which starts a process for each core"),
        ("start.sh", "celery -A app beat\n", ""),
        ("start.sh", "docker compose up --scale web=3\n", "scale: 3"),
        ("supervisord.conf", "[program:web]\ncommand=uvicorn app:app\nnumprocs=4\n", "numprocs: 4"),
        (".env", "WEB_CONCURRENCY=4\n", "WEB_CONCURRENCY=4"),
        ("Dockerfile", 'CMD ["fastapi", "run", "--workers", "2"]\n', "fastapi with --workers 2"),
        ("k8s/web.yaml", "kind: Deployment\nspec:\n  replicas: 1\n---\nspec: {minReplicas: 2}\n", "minReplicas: 2"),
        ("values.yaml", "replicaCount: 3\n", "replicaCount: 3"),
        ("task.json", '{"containerDefinitions": [{"command": ["gunicorn", "-w", "2"]}]}', "gunicorn with -w 2"),
        ("service.json", '{"environment": [], "desiredCount": 2}', "desiredCount: 2"),
    ],
)
def test_what_runs_several_times(tmp_path: Path, name: str, text: str, expected: str) -> None:
    """Workers, copies and replicas are found in each form in which they are written."""
    facts = read_deployment(make_project(tmp_path, {name: text}).files)
    assert [one.what for one in find_replicas(facts)] == [expected] * bool(expected)
    assert facts.unchecked == ()
