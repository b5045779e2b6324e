"""The Dockerfile and what goes into its context, read as a container engine reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]
STEPS = DockerfileParser(str(ROOT / "docker" / "Dockerfile")).structure


def values(instruction: str) -> list[str]:
    return [step["value"] for step in STEPS if step["instruction"] == instruction]


def final() -> list[tuple[str, str]]:
    """The instructions of the last stage."""
    last = max(n for n, step in enumerate(STEPS) if step["instruction"] == "FROM")
    return [(step["instruction"], step["value"]) for step in STEPS[last:]]


def test_it_has_two_stages_on_one_pinned_base():
    (base,) = [value for value in values("ARG") if value.startswith("BASE=")]

    assert values("FROM") == ["${BASE} AS build", "${BASE}"]
    assert re.fullmatch(r"BASE=debian:(?!latest)[a-z]+-slim(@sha256:[0-9a-f]{64})?", base)


def test_no_step_is_unknown_to_an_engine():
    known = {"ARG", "CMD", "COMMENT", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM"}
    known |= {"HEALTHCHECK", "RUN", "USER", "VOLUME", "WORKDIR"}

    assert {step["instruction"] for step in STEPS} <= known


def test_it_runs_as_a_user_of_its_own():
    users = [value for name, value in final() if name == "USER"]
    after = [name for name, _ in final()][[name for name, _ in final()].index("USER") :]

    assert users == ["1000:1000"]
    assert "RUN" not in after


def test_it_is_installed_from_the_checkout():
    assert '/opt/fspose/bin/pip install --no-cache-dir ".[serve]"' in values("RUN")
    assert re.search(r"^serve = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


def test_package_lists_are_removed_in_the_step_that_made_them():
    for step in values("RUN"):
        if "apt-get update" in step:
            assert "--no-install-recommends" in step
            assert step.endswith("rm -rf /var/lib/apt/lists/*")


def test_it_starts_the_program_and_asks_whether_that_starts():
    (health,) = values("HEALTHCHECK")

    assert values("ENTRYPOINT") == ['["fspose"]']
    assert json.loads(health.partition("CMD ")[2]) == ["fspose", "--version"]


def test_nothing_secret_is_an_argument_of_the_image_that_is_kept():
    """Arguments of the last stage stay in the image's history; addresses may hold a password."""
    assert not [value for name, value in final() if name == "ARG"]
    assert not [value for value in values("ENV") if "PIP_" in value or "TOKEN" in value]


def test_the_volumes_are_where_models_and_results_are_looked_for():
    (volumes,), (environment,) = values("VOLUME"), values("ENV")

    assert json.loads(volumes) == ["/data", "/models"]
    assert "FSPOSE_HOME=/models" in environment
    assert values("WORKDIR")[-1] == "/data"
