"""The four packages come from one folder, and the repository holds what it should and no more."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("data", "models", "pipelines", "fspose_app")
TOP = {
    *(".ci", ".dockerignore", ".gitignore", ".pre-commit-config.yaml"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "pyproject.toml"),
    *("benchmarks", "docker", "docker-compose.yml", "docs", "tests"),
    *PACKAGES,
}
# Written in pieces, so that the rules below hold for this file too.
HOMES = "|".join(["home", "root", "work", "Users"])
INDEXES = "|".join(
    [rf"pypi\.{'org'}", rf"python{'hosted'}", rf"download\.{'pytorch'}\.org/whl", rf"index{'-url'}"]
)
MACHINE_PATH = re.compile(rf"(?<![\w.~)}}-])/(?:{HOMES})/[\w.]")
INDEX_HOST = re.compile(INDEXES)


def strangers(origins: Mapping[str, Path]) -> str:
    """What to do where the packages do not come from one folder; empty where they do."""
    folders = {origin.parents[1] for origin in origins.values()}
    if len(folders) == 1:
        return ""
    seen = ", ".join(f"{name} from {origin.parents[1]}" for name, origin in origins.items())
    return (
        f"The four packages come from several folders: {seen}. Another distribution here brings "
        "a package of the same name: give fspose a virtual environment of its own (make test)."
    )


def listed(root: Path) -> list[str]:
    """The repository's files, relative to `root`: what git tracks, or will before the first add."""
    return _git(root, "--cached") or _git(root, "--others", "--exclude-standard") or walked(root)


def _git(root: Path, *which: str) -> list[str]:
    """What `git ls-files` says; nothing in an archive, or on a machine without git."""
    if shutil.which("git") is None:
        return []
    command = ["git", "ls-files", "-z", *which]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True)
    return sorted({name for name in answer.stdout.split("\0") if name and (root / name).is_file()})


def walked(root: Path) -> list[str]:
    """Files of a folder that is no checkout, but for what .gitignore's plain patterns name."""
    ignore = root / ".gitignore"
    patterns = [line.strip("/") for line in ignore.read_text().split()] if ignore.is_file() else []
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != ".git" and not _matches(name, patterns)]
        inside = [Path(folder, name) for name in files if not _matches(name, patterns)]
        found += [path.relative_to(root).as_posix() for path in inside]
    return sorted(found)


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def lines_with(pattern: re.Pattern[str], root: Path) -> list[str]:
    """`file:line` of every match in a text file of the repository."""
    found = []
    for name in listed(root):
        raw = (root / name).read_bytes()
        if b"\0" in raw:
            continue  # a picture, a clip, weights
        lines = raw.decode("utf-8", "replace").splitlines()
        found += [f"{name}:{i}" for i, line in enumerate(lines, 1) if pattern.search(line)]
    return found


def test_the_four_packages_come_from_one_folder():
    specs = {name: importlib.util.find_spec(name) for name in PACKAGES}
    assert [name for name, spec in specs.items() if spec is None or spec.origin is None] == []

    origins = {name: Path(spec.origin) for name, spec in specs.items()}

    assert strangers(origins) == ""
    assert origins["data"].parents[1] == ROOT


def test_a_package_of_another_distribution_is_named_with_what_to_do():
    ours = {name: Path("house", name, "__init__.py") for name in PACKAGES}

    message = strangers({**ours, "models": Path("elsewhere", "models", "__init__.py")})

    assert "models from elsewhere" in message
    assert "virtual environment of its own" in message


def test_the_top_of_the_repository_is_what_the_plan_says():
    top = {name.partition("/")[0] for name in listed(ROOT)}

    assert top - TOP == set()
    assert set(PACKAGES) <= top


def test_tests_are_no_package():
    assert [name for name in listed(ROOT) if re.match(r"tests/(.*/)?__init__\.py$", name)] == []


@pytest.mark.parametrize("pattern", [MACHINE_PATH, INDEX_HOST])
def test_no_file_names_a_folder_of_one_machine_or_an_index(pattern):
    assert lines_with(pattern, ROOT) == []


@pytest.mark.parametrize("folder", ["home", "root", "work", "Users"])
def test_a_path_of_one_machine_is_seen(folder, tmp_path):
    (tmp_path / "notes.md").write_text(f"first line\nsee /{folder}/me/clip.mp4\n")

    assert lines_with(MACHINE_PATH, tmp_path) == ["notes.md:2"]


@pytest.mark.parametrize("text", ["the home/work balance", "out/home/x", "/workshop/a", "/home"])
def test_a_word_that_only_looks_like_such_a_path_is_fine(text, tmp_path):
    (tmp_path / "notes.md").write_text(text)

    assert lines_with(MACHINE_PATH, tmp_path) == []


@pytest.mark.parametrize("host", ["https://pypi." + "org/simple", "--extra-index" + "-url=x"])
def test_an_index_is_seen(host, tmp_path):
    (tmp_path / "Makefile").write_text(f"pip install {host}")

    assert lines_with(INDEX_HOST, tmp_path) == ["Makefile:1"]


def test_ignored_folders_and_pictures_are_not_read(tmp_path):
    (tmp_path / ".gitignore").write_text("build/\n*.egg-info/\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "fspose.egg-info").mkdir()
    for name in ("build/a.txt", "fspose.egg-info/b.txt", "c.txt"):
        (tmp_path / name).write_text(f"/{'home'}/me")
    (tmp_path / "picture.png").write_bytes(f"\0/{'home'}/me".encode())

    assert lines_with(MACHINE_PATH, tmp_path) == ["c.txt:1"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_file_that_git_does_not_track_is_the_persons_own(tmp_path):
    for name in ("ours.txt", "theirs.mp4"):
        (tmp_path / name).write_text("")
    for command in (["init", "--quiet"], ["add", "ours.txt"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)

    assert listed(tmp_path) == ["ours.txt"]
