"""docker-compose.yml: four services of one image, two volumes, and a token that is not in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from data.errors import ConfigError
from fspose_app.cli import main
from fspose_app.live.serve.settings import check_token

ROOT = Path(__file__).parents[2]
FOUND: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = FOUND["services"]
TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
NAMED = {"type": "object", "additionalProperties": TEXT}
SPANS = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "build", "user", "volumes"],
    "properties": {
        "image": TEXT,
        "build": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"context": TEXT, "dockerfile": TEXT, "args": NAMED},
        },
        "user": TEXT,
        "volumes": TEXTS,
        "init": {"type": "boolean"},
        "read_only": {"type": "boolean"},
        "tmpfs": TEXTS,
        "cap_drop": TEXTS,
        "security_opt": TEXTS,
        "profiles": TEXTS,
        "entrypoint": TEXTS,
        "command": TEXTS,
        "network_mode": TEXT,
        "secrets": TEXTS,
        "ports": TEXTS,
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test"],
            "properties": {"test": TEXTS, "interval": SPANS, "timeout": SPANS}
            | {"start_period": SPANS},
        },
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "stop_grace_period": SPANS,
    },
}
"""The part of the Compose Specification that this file uses."""


def test_the_file_is_of_the_compose_specification():
    jsonschema.validate(SERVICES, {"type": "object", "additionalProperties": SERVICE})
    known = {"services", "volumes", "secrets"}
    assert {key for key in FOUND if not key.startswith("x-")} == known


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="there is no docker-compose here")
def test_compose_itself_reads_it_with_the_file_for_a_gpu():
    files = ("-f", "docker-compose.yml", "-f", "docker/gpu.yml")

    ran = subprocess.run(
        ["docker-compose", *files, "config", "--services"],
        cwd=ROOT,
        env={**os.environ, "DATA": "./clips", "OWNER": "5:6"},
        capture_output=True,
        text=True,
    )

    assert ran.returncode == 0, ran.stderr
    assert set(ran.stdout.split()) == set(SERVICES)


def test_there_are_four_services_and_two_volumes():
    assert set(SERVICES) == {"track", "heatmaps", "evaluate", "live"}
    assert FOUND["volumes"] == {"data": None, "models": None}
    for service in SERVICES.values():
        assert {"${DATA:-data}:/data", "${MODELS:-models}:/models"} <= set(service["volumes"])


def test_what_is_not_named_is_built_as_the_dockerfile_says():
    lines = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    declared = dict(
        f"{line.removeprefix('ARG ')}=".split("=")[:2] for line in lines if "ARG" in line
    )
    plain = {name: value.strip('"') for name, value in declared.items()}

    for service in SERVICES.values():
        assert plain == {
            name: value.removeprefix(f"${{{name}:-").removesuffix("}")
            for name, value in service["build"]["args"].items()
        }


@pytest.mark.parametrize("name", list(SERVICES))
def test_what_a_service_starts_is_a_command(name: str) -> None:
    service = SERVICES[name]
    words = [*service.get("entrypoint", ["fspose"]), *service["command"]]

    assert words[0] == "fspose"
    command = main.get_command(click.Context(main), words[1])
    assert command is not None
    options = {"--help", *(option for p in command.params for option in p.opts)}
    assert {word for word in words[2:] if word.startswith("--")} <= options


@pytest.mark.parametrize("name", list(SERVICES))
def test_a_service_may_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == "${OWNER:-1000:1000}"
    assert not {"privileged", "devices", "pid", "ipc"} & set(service)


@pytest.mark.parametrize("name", ["heatmaps", "evaluate"])
def test_who_needs_no_network_has_none(name: str) -> None:
    assert SERVICES[name]["network_mode"] == "none"


def test_the_server_listens_outside_and_takes_its_token_from_a_secret():
    live = SERVICES["live"]
    host = live["command"][live["command"].index("--host") + 1]

    assert "--token" not in live["command"]
    assert live["command"][-2:] == ["--config", "/run/secrets/live"]
    assert FOUND["secrets"] == {"live": {"file": "${LIVE_SETTINGS:-./live.yaml}"}}
    with pytest.raises(ConfigError, match="a token is needed"):
        check_token(host, None)  # an empty secret starts no open server
    assert live["ports"] == ["${LIVE:-127.0.0.1:8000}:8000"]  # this machine alone, unless told


def test_the_health_check_asks_the_server_at_its_own_port():
    live = SERVICES["live"]
    port = live["command"][live["command"].index("--port") + 1]

    test = live["healthcheck"]["test"]

    assert test[:3] == ["CMD", "python", "-c"]
    assert f"http://127.0.0.1:{port}/health" in test[3]
    compile(test[3], "healthcheck", "exec")


def test_the_file_for_a_gpu_names_services_of_this_one():
    more = yaml.safe_load((ROOT / "docker" / "gpu.yml").read_text(encoding="utf-8"))["services"]

    assert set(more) <= set(SERVICES)
    for service in more.values():
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def test_the_secret_is_no_file_of_the_repository():
    assert "/live.yaml" in (ROOT / ".gitignore").read_text().split()
