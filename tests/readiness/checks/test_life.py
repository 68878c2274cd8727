# SPDX-License-Identifier: Apache-2.0
"""The checks of configuration and life that send nothing: found, not found, incomplete, does not apply."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from callwell.description import catalog
from callwell.readiness import registry
from callwell.readiness.checks.life import durable_files, shared_state
from callwell.readiness.project import ConfiguredAccount, Project
from callwell.readiness.report import CheckOutcome
from callwell.readiness.run import run_check
from certificates import Authority
from tests.readiness.accounts import ORIGIN, make_account, make_project

if TYPE_CHECKING:
    from pathlib import Path

    from callwell.readiness.report import CheckResult

HEAD: Final = "from callwell import Client\n\n"
COMPOSE: Final = "services:\n  web:\n    build: .\n    command: {}\n"
COMPOSE_WORKERS: Final = COMPOSE.format('["gunicorn", "-w", "4", "app:app"]')
COMPOSE_REPLICAS: Final = "services:\n  web:\n    build: .\n    deploy:\n      replicas: 3\n"
POD: Final = """apiVersion: apps/v1
kind: Deployment
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: web
          command: [gunicorn]
          args:
            - --workers=1
          env:
            - name: {name}
              value: {value}
"""
IN_MEMORY: Final = f'{HEAD}client = Client("userplane")\n'
IN_FILE: Final = f'{HEAD}client = Client("userplane", state="sqlite:////data/state.db")\n'
LANGUAGE: Final = f'{HEAD}client = Client("language_confidence")\n'
LANGUAGE_PLAN: Final = f'{HEAD}client = Client("language_confidence", plan="monthly-active-users")\n'
FOR_USER: Final = "for_user = client.with_options(for_user=user.id)\n"
BROKEN: Final = {"app.py": "from callwell import Client\nClient(\n"}
BROKEN_COMPOSE: Final = {"compose.yaml": "services: [\n  replicas: 3"}

SPEECH: Final = make_account("language_confidence")
VIDEO: Final = make_account("apivideo")


class Case(NamedTuple):
    """A project, and what a check says about it."""

    check: str
    files: dict[str, str]
    found: tuple[tuple[str, str], ...] = ()
    accounts: tuple[ConfiguredAccount, ...] = ()
    unchecked: tuple[str, ...] = ()


FOUND: Final = (
    Case("environment", {}, (("in its environment sandbox", ORIGIN),), (make_account("apivideo", "sandbox"),)),
    Case(
        "environment",
        {},
        (("go to 127.0.0.1, this machine", "env:USERPLANE_BASE_URL"),),
        (make_account("userplane", origin="env:USERPLANE_BASE_URL", base_url="http://127.0.0.1:8100"),),
    ),
    Case(
        "environment",
        {},
        (("to its trial environment sandbox", ORIGIN),),
        (make_account("apivideo", base_url="https://sandbox.api.video/"),),
    ),
    Case(
        "environment",
        {},
        (("which is not its address in the profile", ORIGIN),),
        (make_account("userplane", base_url="https://gateway.example.org"),),
    ),
    Case(
        "environment",
        {"app.py": f'{HEAD}client = Client("apivideo", environment="sandbox")\n'},
        (("in its environment sandbox", "app.py:3"),),
        (VIDEO,),
    ),
    Case(
        "environment",
        {"app.py": f'{HEAD}ADDRESS = "http://localhost:1"\nclient = Client("userplane", base_url=ADDRESS)\n'},
        (("go to localhost, this machine", "app.py:4"),),
    ),
    Case(
        "deadline",
        {"app.py": f'{HEAD}client = Client("userplane", deadline_s=None)\n'},
        (("have no deadline", "app.py:3"),),
    ),
    Case(
        "deadline",
        {"app.py": "def answer(client):\n    return client.with_options(deadline_s=2.5).me.get()\n"},
        (("the deadline of 2.5 s is shorter", "app.py:2"),),
    ),
    Case("deadline", {}, (("userplane, 15.5 s at most", ORIGIN),), (make_account("userplane", deadline=5.0),)),
    Case(
        "retries",
        {"app.py": f'{HEAD}client = Client("userplane", nested=True)\n'},
        (("one attempt", "app.py:3"),),
    ),
    Case("shared-state", {"app.py": IN_MEMORY, "compose.yaml": COMPOSE_WORKERS}, (("gunicorn with -w 4", "app.py:3"),)),
    Case("shared-state", {"app.py": IN_MEMORY, "k/web.yaml": POD}, (("replicas: 3 (k/web.yaml:4)", "app.py:3"),)),
    Case(
        "shared-state",
        {"app.py": IN_FILE, "k/web.yaml": f"{POD}          volumeMounts:\n            - mountPath: /data\n"},
        (("a file of one machine", "app.py:3"),),
    ),
    Case(
        "shared-state",
        {"app.py": IN_MEMORY, "compose.yaml": f"{COMPOSE.format('web')}  jobs:\n    build: {{context: .}}\n"},
        (("web and jobs are built from the same folder", "app.py:3"),),
    ),
    Case(
        "shared-state",
        {"app.py": IN_FILE, "Procfile": "release: ./migrate\nweb: uvicorn app:app\njobs: python jobs.py\n"},
        (("several may run: web and jobs", "app.py:3"),),
    ),
    Case(
        "shared-state",
        {"app.py": IN_MEMORY, "gunicorn.conf.py": "import os\nworkers = os.cpu_count()\n"},
        (("workers = os.cpu_count() (gunicorn.conf.py:2)", "app.py:3"),),
    ),
    Case(
        "shared-state",
        {"app.py": IN_FILE, "Dockerfile": "FROM python\nCMD gunicorn app:app\n"},
        (("inside a container (Dockerfile)", "app.py:3"),),
    ),
    Case(
        "shared-state",
        {"Procfile": "web: uvicorn app:app --workers 2\n"},
        (("uvicorn with --workers 2", ORIGIN),),
        (make_account("userplane", state="memory:"),),
    ),
    Case(
        "shared-state",
        {"compose.yaml": f"{COMPOSE_REPLICAS}    environment:\n      CALLWELL_STATE: 'memory:'\n"},
        (("there are several: replicas: 3", "compose.yaml:7"),),
    ),
    Case(
        "end-user",
        {"app.py": LANGUAGE_PLAN},
        (("and the plan monthly-active-users requires it", "app.py:3"),),
        (SPEECH,),
    ),
    Case("end-user", {"app.py": LANGUAGE}, (("names its end user (for_user)", "app.py:3"),), (SPEECH,)),
    Case("end-user", {"app.py": LANGUAGE + FOR_USER}, (("no plan is set", "app.py:3"),), (SPEECH,)),
    Case(
        "end-user",
        {"app.py": LANGUAGE_PLAN + FOR_USER, "Dockerfile": "FROM python\n"},
        (("made again in each container", "app.py:3"),),
        (SPEECH,),
    ),
    Case(
        "sandbox-leftovers",
        {"k/web.yaml": POD.format(name="CALLWELL_CLOCK", value="60")},
        (("another clock", "k/web.yaml:13"),),
    ),
    Case(
        "sandbox-leftovers",
        {".env": "# local\nexport USERPLANE_BASE_URL='http://emulator:8100'\n"},
        (("leads to emulator, a host of a local network", ".env:2"),),
    ),
    Case(
        "sandbox-leftovers",
        {"compose.yaml": f"{COMPOSE_REPLICAS}    environment:\n      - APIVIDEO_SANDBOX_API_KEY\n"},
        (("the key of the trial environment sandbox", "compose.yaml:7"),),
        (VIDEO,),
    ),
    Case(
        "sandbox-leftovers",
        {"Dockerfile": "FROM python\nENV VIDEO_HOST https://sandbox.api.video\nENV NODE_TLS_REJECT_UNAUTHORIZED=0\n"},
        (("the address of the trial environment", "Dockerfile:2"), ("turns the verification", "Dockerfile:3")),
        (VIDEO,),
    ),
    Case(
        "sandbox-leftovers",
        {
            ".github/workflows/ci.yml": "jobs:\n  deploy:\n    env:\n      APIVIDEO_ENVIRONMENT: sandbox\n"
            "  test:\n    env:\n      APIVIDEO_ENVIRONMENT: sandbox\n"
        },
        (("chooses the trial environment sandbox", ".github/workflows/ci.yml:4"),),
        (VIDEO,),
    ),
    Case(
        "sandbox-leftovers",
        {"chart/templates/web.yaml": "{{ if .x }}\nenv:\n  SSL_VERIFY={{ .y }}\n  IGNORE_TLS=true\n{{ end }}\n"},
        (("IGNORE_TLS=true turns", "chart/templates/web.yaml:4"),),
    ),
    Case("network", {}, (("is not encrypted", ORIGIN),), (make_account("userplane", base_url="http://localhost:1"),)),
    Case("network", {}, (("proxy cannot be", ORIGIN),), (make_account("userplane", proxy="ftp://proxy"),)),
    Case("network", {}, (("ca_file cannot be", ORIGIN),), (make_account("userplane", ca_file="/nowhere.pem"),)),
)
"""A fault for each rule of these checks."""

NOT_FOUND: Final = (
    Case("environment", {"app.py": f'{HEAD}client = Client("userplane", environment="production")\n'}),
    Case("environment", {"tests/test_app.py": f'{HEAD}client = Client("userplane", base_url="http://localhost")\n'}),
    Case("environment", {}, accounts=(VIDEO, make_account("apivideo", "sandbox", in_use=False))),
    Case("environment", {}, accounts=(make_account("language_confidence", "rapidapi_scripted"),)),
    Case("deadline", {"app.py": IN_MEMORY}, accounts=(make_account("userplane", deadline=30.0),)),
    Case("deadline", {"app.py": f'{HEAD}c = Client("userplane", deadline_s=None, priority="batch")\n'}),
    Case("deadline", {"app.py": "client = other.with_options(timeout=1, deadline_s=read())\n"}),
    Case("retries", {"app.py": f"{HEAD}def f(request, c):\n    return c.with_options(nested=request.headers)\n"}),
    Case("shared-state", {"app.py": IN_MEMORY, "compose.yaml": COMPOSE.format("uvicorn app:app")}),
    Case("shared-state", {"app.py": IN_MEMORY, "compose.override.yaml": COMPOSE_WORKERS}),
    Case("shared-state", {"app.py": IN_FILE, "compose.yaml": f"{COMPOSE_WORKERS}    volumes:\n      - data:/data\n"}),
    Case("shared-state", {"app.py": IN_MEMORY, "Procfile": "job: celery -A app worker --pool=solo\n"}),
    Case(
        "end-user",
        {
            "app.py": LANGUAGE_PLAN.replace("plan=", 'user_secret="env:USER_SECRET", plan=') + FOR_USER,
            "Dockerfile": "FROM python\n",
        },
        accounts=(SPEECH,),
    ),
    Case("end-user", {"app.py": "print('no client')\n"}, accounts=(SPEECH,)),
    Case("sandbox-leftovers", {".env": "USERPLANE_API_KEY=x\nUSERPLANE_BASE_URL=https://api.userplane.io/api/v1\n"}),
    Case("sandbox-leftovers", {".env.test": "CALLWELL_CLOCK=60\n", "k8s/staging/web.yaml": POD}),
    Case("sandbox-leftovers", {"openapi.yaml": "openapi: 3.1.0\nservers: [\n  sandbox\n"}),
    Case("network", {}),
    Case("description", {}),
)
"""Projects that are right, or wrong only in what production does not use."""

INCOMPLETE: Final = (
    Case("environment", BROKEN, unchecked=("not valid Python",)),
    Case("deadline", BROKEN, unchecked=("not valid Python",)),
    Case("retries", BROKEN, unchecked=("not valid Python",)),
    Case("shared-state", BROKEN | BROKEN_COMPOSE, unchecked=("not valid Python", "not valid YAML")),
    Case("end-user", BROKEN, accounts=(SPEECH,), unchecked=("not valid Python",)),
    Case("sandbox-leftovers", BROKEN_COMPOSE, unchecked=("not valid YAML",)),
    Case(
        "sandbox-leftovers",
        {"compose.yaml": "a: &a\n  scale: *a\n  b: *a\n"},
        unchecked=("not valid YAML",),
    ),
)
"""Projects with files that cannot be read."""

NOT_APPLICABLE: Final = (
    *("environment", "deadline", "retries", "shared-state", "end-user", "media", "network", "files", "description"),
)
"""Checks without a question where no provider is in use."""


def run(check: str, project: Project) -> CheckResult:
    """Run a check of this group."""
    return run_check(project, registry.load(f"life.{check}"))


@pytest.mark.parametrize("case", FOUND, ids=lambda case: f"{case.check}-{case.found[0][0][:30]}")
def test_found(case: Case, tmp_path: Path) -> None:
    """A fault is found, where it is, and nothing else is."""
    result = run(case.check, make_project(tmp_path, case.files, *case.accounts))
    assert [str(finding.place) for finding in result.findings] == [place for _, place in case.found]
    for finding, (text, _) in zip(result.findings, case.found, strict=True):
        assert text in finding.what
        assert not finding.what.endswith(".")
    assert result.unchecked == ()


@pytest.mark.parametrize("case", NOT_FOUND)
def test_not_found(case: Case, tmp_path: Path) -> None:
    """What is right, or is only for trials, passes."""
    result = run(case.check, make_project(tmp_path, case.files, *case.accounts))
    assert (result.findings, result.unchecked) == ((), ())


@pytest.mark.parametrize("case", INCOMPLETE)
def test_incomplete(case: Case, tmp_path: Path) -> None:
    """A file that cannot be read is named, and the check has not passed."""
    result = run(case.check, make_project(tmp_path, case.files, *case.accounts))
    assert result.outcome is CheckOutcome.INCOMPLETE
    assert len(result.unchecked) == len(case.unchecked)
    for unchecked, text in zip(result.unchecked, case.unchecked, strict=True):
        assert text in unchecked.what
        assert unchecked.place is not None


@pytest.mark.parametrize("check", NOT_APPLICABLE)
def test_without_a_provider(check: str, tmp_path: Path) -> None:
    """A project that uses no provider is asked nothing."""
    result = run(check, Project(tmp_path, (make_account("userplane", in_use=False),)))
    assert result.outcome is CheckOutcome.NOT_APPLICABLE


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """A link that leads nowhere is not a silent pass."""
    (tmp_path / "compose.yaml").symlink_to(tmp_path / "gone.yaml")
    result = run("sandbox-leftovers", make_project(tmp_path))
    assert [str(unchecked.place) for unchecked in result.unchecked] == ["compose.yaml"]


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    """Retries that a description turns off are found in its profile, and rules that nothing answers to."""
    folder = tmp_path / "mine"
    folder.mkdir()
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Mine", "version": "1"},
        "paths": {"/things": {"get": {"operationId": "things_list", "responses": {"200": {"description": "Fine"}}}}},
    }
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "profile.toml").write_text(
        'name = "mine"\ntitle = "Mine"\n[environments.production]\nbase_url = "https://api.mine.example"\n'
        '[key]\nscheme = "bearer"\nheader = "authorization"\nenv = "MINE_API_KEY"\n'
        "[retry]\nattempts = 1\nthrottles = 0\n"
        '[operations."gone.list"]\nrepeatable = true\n'
    )
    with pytest.warns(UserWarning, match="gone.list"):
        provider = catalog.load(folder)
    project = make_project(tmp_path, None, make_account(provider))
    result = run("retries", project)
    assert [str(finding.place) for finding in result.findings] == ["mine/profile.toml:10", "mine/profile.toml:11"]
    (finding,) = run("description", project).findings
    assert finding.what.startswith("a rule of mine has no effect: operations.")
    assert str(finding.place) == "mine/profile.toml:12"


def test_network_shares(tmp_path: Path) -> None:
    """The innermost mount of a path counts, and a share of Windows is one by its name."""
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\nserver:/x /shares nfs4 rw 0 0\n/dev/sdb /shares/disk xfs rw 0 0\n")
    assert shared_state.network_share("/shares/app/state.db", mounts) == "nfs4"
    assert shared_state.network_share("/shares/disk/state.db", mounts) == ""
    assert shared_state.network_share("/var/state.db", mounts) == ""
    assert shared_state.network_share("//server/share/state.db", mounts) != ""
    assert shared_state.network_share("/shares/state.db", tmp_path / "none") == ""


def test_an_authority_of_ones_own_is_noted(tmp_path: Path) -> None:
    """For a public address, it is worth a note; for an address of one's own it is what it is for."""
    file = str(Authority(tmp_path).file)
    note = run("network", make_project(tmp_path, None, make_account("userplane", ca_file=file)))
    assert note.outcome is CheckOutcome.PASSED
    assert len(note.findings) == 1
    own = make_account("userplane", ca_file=file, base_url="https://gateway.internal")
    assert run("network", make_project(tmp_path, None, own)).findings == ()


def test_state_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state in a new folder can be made; one below a file cannot, and one needs room."""
    (tmp_path / "file").write_text("")
    good = make_account("userplane", state=f"sqlite:///{tmp_path}/new/state.db")
    assert run("files", make_project(tmp_path, None, good)).outcome is CheckOutcome.PASSED
    bad = make_account("userplane", state=f"sqlite:///{tmp_path}/file/state.db")
    (finding,) = run("files", make_project(tmp_path, None, bad)).findings
    assert "is not a folder" in finding.what
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(durable_files, "ROOM_BYTES", free * 2)
    (finding,) = run("files", make_project(tmp_path, None, good)).findings
    assert "of room" in finding.what
    assert run("files", make_project(tmp_path, None, make_account("userplane", state="memory:"))).applicable is False
