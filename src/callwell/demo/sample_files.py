# SPDX-License-Identifier: Apache-2.0
"""The files of the sample project: with typical problems, and fixed.

`%{name}` stands for a name or an address of a provider, or for a key that is made when the files are written.
"""

from __future__ import annotations

from typing import Final

WAREHOUSE: Final = """\
name = "warehouse"
title = "Warehouse"

[environments.production]
base_url = "https://warehouse.example.com/v1"

[key]
scheme = "bearer"
header = "authorization"
env = "WAREHOUSE_API_KEY"

"""
"""The beginning of a profile that is not bundled, the same in both projects."""

FAULTY: Final = {
    "callwell.toml": """\
state = "sqlite:///%{state}"

[%{main}]
key = "file:config/main.key"
base_url = "%{emulator}"
deadline = 5

[%{speech}]
key = "file:config/speech.key"
plan = "%{plan}"

[%{video}]
key = "file:config/speech.key"
environment = "%{trial}"

[warehouse]
folder = "apis/warehouse"
key = "env:WAREHOUSE_API_KEY"
state = "sqlite:///data"
""",
    "config/main.key": "%{main_key}\n",
    "config/speech.key": "%{speech_key}\n",
    "data/README": "The volume for the state.\n",
    ".gitignore": ".env\nweb/dist/\n*.log\n",
    "logs/shop.log": "2026-11-02 09:14:07 GET %{main_address}/me authorization=Bearer %{main_key}\n",
    ".env": """\
%{main_variable}=%{main_key}
CALLWELL_CLOCK=60
NODE_TLS_REJECT_UNAUTHORIZED=0
""",
    "app/main.py": '''\
"""The shop's back end."""

import httpx
import redis
from fastapi import FastAPI
from tenacity import retry, stop_after_attempt

from callwell import Client
from callwell.errors import ApiError

KEY = "%{main_key}"

app = FastAPI()
cache = redis.Redis()
main = Client("%{main}", deadline_s=None)
speech = Client("%{speech}", plan="%{plan}").with_options(for_user="everyone")


@app.get("/me")
def me() -> dict[str, object]:
    # callwell: ignore=code.calls-around-callwell
    answer = httpx.get("%{main_address}/me", headers={"authorization": f"Bearer {KEY}"}, verify=False)
    return answer.json()


@app.get("/recordings")
@retry(stop=stop_after_attempt(5))
def recordings(workspace: str) -> list[str]:
    ids = []
    try:
        for recording in main.%{signed_list}(workspace):
            cache.set(recording["id"], recording["%{signed_field}"])
            ids.append(recording["id"])
    except ApiError as error:
        if "not a member" in str(error):
            return []
        raise
    return ids


@app.post("/scores")
def score(text: str, audio: str) -> object:
    return speech.%{assess}(expected_text=text, audio_base64=audio, audio_format="wav")
''',
    "web/package.json": '{"name": "shop", "dependencies": {"react": "19.0.0", "vite": "7.0.0"}}\n',
    "web/src/api.js": """\
import { useEffect } from "react";

const key = "%{main_key}";

export const load = () => fetch("%{main_address}/me", { headers: { authorization: `Bearer ${key}` } });
""",
    "web/dist/app.js": """\
const k="%{main_key}";document.title="shop";fetch("%{main_address}/me",{headers:{authorization:"Bearer "+k}});
//# sourceMappingURL=app.js.map
""",
    "web/dist/app.js.map": (
        '{"version":3,"sources":["src/api.js"],"mappings":"","names":[],'
        '"sourcesContent":["const key = \\"%{main_key}\\";\\n"]}\n'
    ),
    "notebooks/try.ipynb": (
        '{"cells": [{"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [{"name": "stdout", '
        '"output_type": "stream", "text": ["authorization: Bearer %{main_key}\\n"]}], "source": ["print(headers)"]}],'
        ' "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}\n'
    ),
    "Dockerfile": """\
FROM python:3.13-slim
ENV %{speech_variable}=%{speech_key}
COPY . /app
WORKDIR /app
CMD ["uvicorn", "--workers", "4", "app.main:app"]
""",
    "compose.yaml": """\
services:
  web:
    build: .
    command: uvicorn --workers 4 app.main:app
    environment:
      %{main_prefix}_BASE_URL: http://emulator:8100
      %{trial_variable}: ${%{trial_variable}}
""",
    ".github/workflows/deploy.yml": """\
name: deploy
on:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  deploy:
    runs-on: ubuntu-24.04
    env:
      %{speech_variable}: %{speech_key}
      %{video_prefix}_ENVIRONMENT: %{trial}
    steps:
      - run: ./deploy
""",
    "apis/warehouse/profile.toml": WAREHOUSE
    + """\
[retry]
attempts = 1

[operations."shelves.find"]
repeatable = true
""",
}
"""The project with its problems."""

FIXED: Final = {
    "callwell.toml": """\
state = "sqlite:///%{state}"

[%{main}]
key = "file:../secrets/main.key"
deadline = 30

[%{speech}]
plan = "%{plan}"
user_secret = "file:../secrets/users"

[%{speech}.%{speech_live}]
key = "file:../secrets/speech.key"

[%{video}.%{video_live}]
key = "file:../secrets/video.key"

[warehouse]
folder = "apis/warehouse"
key = "file:../secrets/warehouse.key"
""",
    "../secrets/main.key": "%{main_key}\n",
    "../secrets/speech.key": "%{speech_key}\n",
    "../secrets/video.key": "%{video_key}\n",
    "../secrets/warehouse.key": "%{warehouse_key}\n",
    "../secrets/users": "%{user_secret}\n",
    ".gitignore": ".env\nweb/dist/\n*.log\n",
    ".dockerignore": ".env\n.git\nlogs\nnotebooks\n",
    "logs/shop.log": "2026-11-02 09:14:07 GET %{main_address}/me 200\n",
    "app/main.py": '''\
"""The shop's back end."""

from fastapi import FastAPI

from callwell import ApiError, Client

STATE = "sqlite:///%{state}"

app = FastAPI()
main = Client("%{main}", key="file:/run/secrets/main", state=STATE, deadline_s=30)
speech = Client(
    "%{speech}",
    key="file:/run/secrets/speech",
    state=STATE,
    deadline_s=30,
    plan="%{plan}",
    user_secret="file:/run/secrets/users",
)


@app.get("/me")
def me() -> object:
    return main.me.get()


@app.get("/recordings")
def recordings(workspace: str) -> list[str]:
    try:
        return [recording["id"] for recording in main.%{signed_list}(workspace)]
    except ApiError as error:
        if error.code == "%{code}":
            return []
        raise


@app.post("/scores")
def score(user: str, text: str, audio: str) -> object:
    for_one = speech.with_options(for_user=user)
    return for_one.%{assess}(expected_text=text, audio_base64=audio, audio_format="wav")
''',
    "web/package.json": FAULTY["web/package.json"],
    "web/src/api.js": """\
import { useEffect } from "react";

export const load = () => fetch("/me");
""",
    "web/dist/app.js": 'document.title="shop";fetch("/me");\n//# sourceMappingURL=app.js.map\n',
    "web/dist/app.js.map": (
        '{"version":3,"sources":["src/api.js"],"mappings":"","names":[],'
        '"sourcesContent":["export const load = () => fetch(\\"/me\\");\\n"]}\n'
    ),
    "notebooks/try.ipynb": (
        '{"cells": [{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": '
        '["print(list(headers))\\n"]}], "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, '
        '"nbformat_minor": 5}\n'
    ),
    "Dockerfile": """\
FROM python:3.13-slim
COPY app /app/app
WORKDIR /app
CMD ["uvicorn", "--workers", "4", "app.main:app"]
""",
    "compose.yaml": """\
services:
  web:
    build: .
    command: uvicorn --workers 4 app.main:app
    secrets: [main, speech, users]
    volumes:
      - state:%{state_folder}
volumes:
  state: {}
secrets:
  main: {environment: %{main_variable}}
  speech: {environment: %{speech_variable}}
  users: {environment: USER_SECRET}
""",
    ".github/workflows/deploy.yml": """\
name: deploy
on:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  deploy:
    runs-on: ubuntu-24.04
    env:
      %{speech_variable}: ${{ secrets.%{speech_variable} }}
    steps:
      - run: ./deploy
""",
    "apis/warehouse/profile.toml": WAREHOUSE
    + """\
[operations."shelves.list"]
repeatable = true
""",
}
"""The same project, ready for production: with new keys, outside the project."""

DOCUMENT: Final = """\
{
  "openapi": "3.1.0",
  "info": {"title": "Warehouse", "version": "1"},
  "paths": {
    "/shelves": {"get": {"operationId": "shelves_list", "responses": {"200": {"description": "The shelves."}}}}
  }
}
"""
"""The OpenAPI document of the API that the project describes itself."""
