"""Executes docker/Dockerfile without a container engine: each step in a fresh Debian tree.

    sudo python docker/verify.py TREES [--build-arg NAME=VALUE] [--put FILE=PLACE]

Needs Linux, root, debootstrap, a Debian mirror and a package index, and some 15 GB in TREES. Every
stage begins as a new tree; what its instructions say is done in it by chroot, in namespaces of its
own. Then the services of docker-compose.yml are run in the last tree as they would be there: as
their user, without capabilities or a network, on a read-only root. Ends at the first failure with
its exit code.

What it cannot show: the base image's own content (debootstrap's minimal variant takes its place),
layers and their caching, and what the engine does with ports, volumes, secrets and restarts.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).resolve().parents[1]
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOT_EXECUTED = {"COMMENT", "VOLUME", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK"}
MIRROR = "http://deb.debian.org/debian"
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
TOKEN = "a-token-for-the-verification"


@dataclass
class Stage:
    """A stage of a Dockerfile, and what its instructions have set so far."""

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    arguments: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": SYSTEM_PATH})
    folder: str = "/"
    user: str = "0:0"

    @property
    def variables(self) -> dict[str, str]:
        """What a step sees; ENV wins over ARG."""
        return {**self.arguments, **self.environment}


def stages(dockerfile: Path, given: Mapping[str, str]) -> list[Stage]:
    """The stages of a Dockerfile; the arguments before the first one are filled in."""
    parser = DockerfileParser(fileobj=BytesIO(dockerfile.read_bytes()))
    steps = [(step["instruction"], step["value"]) for step in parser.structure]
    before: dict[str, str] = {}
    found: list[Stage] = []
    for instruction, value in steps:
        if instruction == "FROM":
            base, _, name = filled(value, before).partition(" AS ")
            found.append(Stage(name or str(len(found)), base))
        elif found:
            found[-1].steps.append((instruction, value))
        elif instruction == "ARG":
            declare(value, before, given)
    return found


def declare(value: str, arguments: dict[str, str], given: Mapping[str, str]) -> None:
    """An ARG: what was given, else its default; without either it is not set."""
    (word,) = shlex.split(value)
    name, equals, default = word.partition("=")
    if name in given or equals:
        arguments[name] = given.get(name, default)


def filled(text: str, variables: Mapping[str, str]) -> str:
    """`${NAME}` and `$NAME` replaced, as outside of RUN."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: variables.get(match[1], ""), text)


def context(root: Path) -> list[Path]:
    """The files that .dockerignore leaves, relative to `root`; the last line that fits decides."""
    lines = (root / ".dockerignore").read_text(encoding="utf-8").split()
    files = (path.relative_to(root) for path in _walk(root, lines))
    return sorted(path for path in files if not ignored(path, lines))


def _walk(folder: Path, lines: Sequence[str]) -> Iterator[Path]:
    kept = {line[1:].split("/")[0] for line in lines if line.startswith("!")}
    for top in folder.iterdir():
        if top.name in kept:
            yield from (path for path in [top, *top.rglob("*")] if path.is_file())


def ignored(path: Path, lines: Sequence[str]) -> bool:
    """Whether a file is left out. Of the patterns only `NAME`, `!NAME`, `*` and `**/NAME` occur."""
    out = False
    for line in lines:
        name = line.removeprefix("!")
        anywhere = name.startswith("**/")
        parts = path.parts if anywhere else path.parts[:1]
        if any(fnmatch(part, name.removeprefix("**/")) for part in parts):
            out = not line.startswith("!")
    return out


def execute(stage: Stage, tree: Path, trees: Mapping[str, Path], given: Mapping[str, str]) -> None:
    """Do everything that a stage says, in its tree."""
    for instruction, value in stage.steps:
        if instruction in NOT_EXECUTED:
            continue
        print(f"== {stage.name}: {instruction} {value}", flush=True)
        if instruction == "ARG":
            declare(value, stage.arguments, given)
        elif instruction == "RUN":
            inside(tree, ["/bin/sh", "-c", value], stage, network=True)
        elif instruction == "COPY":
            copy(shlex.split(filled(value, stage.variables)), stage, tree, trees)
        elif instruction == "ENV":
            words = shlex.split(filled(value, stage.variables))
            stage.environment.update(word.split("=", 1) for word in words)  # type: ignore[misc]
        elif instruction == "WORKDIR":
            stage.folder = os.path.join(stage.folder, filled(value, stage.variables))
            placed(tree, stage.folder).mkdir(parents=True, exist_ok=True)
        elif instruction == "USER":
            stage.user = filled(value, stage.variables)
        else:
            sys.exit(f"{instruction} is not known here; teach {Path(__file__).name} what it does.")


def copy(words: list[str], stage: Stage, tree: Path, trees: Mapping[str, Path]) -> None:
    """COPY of everything from the context, or of a folder from another stage."""
    target = placed(tree, os.path.join(stage.folder, words[-1]))
    if words[0].startswith("--from="):
        source = placed(trees[words[0].removeprefix("--from=")], words[1])
        target.mkdir(parents=True, exist_ok=True)
        run(["cp", "-a", "--link", f"{source}/.", str(target)])
        return
    if words[:-1] != ["."]:
        sys.exit(f"COPY {' '.join(words)} is not known here.")
    for path in context(ROOT):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target / path)


def placed(tree: Path, place: str) -> Path:
    """Where an absolute path of a tree lies on this machine."""
    return tree / os.path.normpath(place).lstrip("/")


def inside(
    tree: Path,
    command: Sequence[str],
    stage: Stage,
    *,
    network: bool,
    volumes: Mapping[str, Path] | None = None,
) -> None:
    """Run a command in a tree, in namespaces of its own; with volumes, on a read-only root and
    without capabilities."""
    mounts = [f"mount --bind {tree} {tree}", f"mount -t tmpfs none {tree}/dev"]
    for name, (major, minor) in DEVICES.items():
        mounts.append(f"mknod -m 666 {tree}/dev/{name} c {major} {minor}")
    mounts.append(f"mount -t proc proc {tree}/proc")
    for place, folder in (volumes or {}).items():
        mounts.append(f"mount --bind {folder} {placed(tree, place)}")
    uid, gid = stage.user.split(":")
    drop = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    if volumes is not None:
        mounts.append(f"mount -o remount,bind,ro {tree} && mount -t tmpfs none {tree}/tmp")
        drop += ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    if not network:
        mounts.append("ip link set lo up")
    values = [f"{name}={value}" for name, value in stage.variables.items()]
    words = ["env", "-i", *values, *drop, "env", "-C", stage.folder, *command]
    last = f"exec chroot {tree} {shlex.join(words)}"
    spaces = ["--mount", "--pid", "--fork", *([] if network else ["--net"])]
    run(["unshare", *spaces, "sh", "-ec", "\n".join([*mounts, last])])


def services(compose: Mapping[str, Any], stage: Stage, tree: Path, volumes: Path) -> None:
    """Run what docker-compose.yml runs: a clip is followed, the tools help, the server answers."""
    for name in ("data", "models"):
        (volumes / name).mkdir(parents=True, exist_ok=True)
        os.chown(volumes / name, *map(int, stage.user.split(":")))
    bound = {f"/{name}": volumes / name for name in ("data", "models")}
    shutil.copy(ROOT / "docs" / "demo" / "demo.mp4", volumes / "data" / "clip.mp4")
    found = compose["services"]
    typed = {"track": ["clip.mp4", "-o", "out", "--overwrite", "--threads", "1"]}
    for name in ("track", "heatmaps", "evaluate"):
        words = [*found[name]["entrypoint"], *typed.get(name, found[name]["command"])]
        print(f"== service {name}: {shlex.join(words)}", flush=True)
        inside(tree, words, stage, network=False, volumes=bound)
    for name in ("result.jsonl", "overlay.mp4"):
        if (volumes / "data" / "out" / name).stat().st_uid != int(stage.user.split(":")[0]):
            sys.exit(f"{name} belongs to somebody else.")
    secret = placed(tree, "/run/secrets/live")
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text(f"token: {TOKEN}\n", encoding="utf-8")
    script = serving(found["live"])
    print(f"== service live: {script}", flush=True)
    inside(tree, ["sh", "-c", script], stage, network=False, volumes=bound)


def serving(live: Mapping[str, Any]) -> str:
    """A shell script: start the server, wait until its health check holds, stop it."""
    start = shlex.join(["fspose", *live["command"]])
    ask = shlex.join(live["healthcheck"]["test"][1:])
    return (
        f"{start} & server=$!; tries=0\n"
        f"until {ask} 2>/dev/null; do tries=$((tries + 1)); [ $tries -lt 120 ] || exit 1; "
        "kill -0 $server || exit 1; sleep 1; done\n"
        "echo 'It is healthy.'; kill $server; wait $server; code=$?; "
        "[ $code -eq 0 ] || [ $code -eq 143 ]"
    )


def checks(dockerfile: Path) -> list[list[str]]:
    """The commands of ENTRYPOINT with CMD, and of HEALTHCHECK."""
    parser = DockerfileParser(fileobj=BytesIO(dockerfile.read_bytes()))
    found = {step["instruction"]: step["value"] for step in parser.structure}
    entry, command = json.loads(found["ENTRYPOINT"]), json.loads(found["CMD"])
    health = json.loads(found["HEALTHCHECK"].partition("CMD ")[2])
    return [[*entry, *command], health]


def base_tree(image: str, folder: Path) -> Path:
    """What stands for a Debian image: debootstrap's minimal variant of its release."""
    match = re.fullmatch(r"debian:([a-z]+)(?:-\d{8})?(?:-slim)?(?:@sha256:\w+)?", image)
    if match is None:
        sys.exit(f"The base {image} is no release of Debian, which alone can be made here.")
    tree = folder / match[1]
    if not (tree / "usr/bin/apt-get").exists():
        run(["debootstrap", "--variant=minbase", match[1], str(tree), MIRROR])
    return tree


def run(words: Sequence[str]) -> None:
    code = subprocess.run(words, check=False).returncode
    if code:
        sys.exit(f"Exit code {code}: {shlex.join(words[:2])} ...")


def main() -> None:
    parser = argparse.ArgumentParser(description="Execute docker/Dockerfile in Debian trees.")
    parser.add_argument("trees", type=Path, help="a folder for the trees; old ones are replaced")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    what = "a file of this machine that the build needs here, such as a certificate"
    parser.add_argument("--put", action="append", default=[], metavar="FILE=PLACE", help=what)
    typed = parser.parse_args()
    given = dict(pair.split("=", 1) for pair in typed.build_arg)
    folder, trees = typed.trees.resolve(), dict[str, Path]()
    dockerfile = ROOT / "docker" / "Dockerfile"
    found = stages(dockerfile, given)
    for stage in found:
        tree = trees[stage.name] = folder / f"stage-{stage.name}"
        run(["rm", "-rf", str(tree)])
        run(["cp", "-a", str(base_tree(stage.base, folder)), str(tree)])
        shutil.copy("/etc/resolv.conf", tree / "etc" / "resolv.conf")
        for file, place in (pair.split("=", 1) for pair in typed.put):
            placed(tree, place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, placed(tree, place))
        execute(stage, tree, trees, given)
    last = found[-1]
    for command in checks(dockerfile):
        print(f"== image: {shlex.join(command)}", flush=True)
        inside(trees[last.name], command, last, network=False, volumes={})
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    services(compose, last, trees[last.name], folder / "volumes")
    print("Every step was executed, and every service did its work.")


if __name__ == "__main__":
    main()
