"""`make` on a machine that lacks something says so; what is there already is not built again."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Apart from the make that may run these tests: it hands its own flags down.
    plain = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=plain, capture_output=True, text=True
    )


@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_a_machine_without_a_usable_python_is_told_what_to_install(python, checkout):
    run = make(checkout, f"PYTHON={python}", "demo")

    assert run.returncode == 2
    assert f"No Python 3.10 or newer with venv, ssl and sqlite3 was found (tried: {python})" in (
        run.stderr
    )
    assert not (checkout / ".venv").exists()


def test_what_is_installed_is_not_installed_again_until_the_project_changes(checkout):
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "installed").touch()
    project = checkout / "pyproject.toml"

    os.utime(project, (0, 0))
    quick = make(checkout, "--dry-run", "demo").stdout
    later = (checkout / ".venv" / "installed").stat().st_mtime + 10
    os.utime(project, (later, later))
    again = make(checkout, "--dry-run", "demo").stdout

    assert quick == ".venv/bin/fspose track docs/demo/demo.mp4 -o demo-out --overwrite\n"
    assert "pip install --editable ." in again


def test_make_alone_names_every_target(checkout):
    targets = [line.split()[1] for line in make(checkout).stdout.splitlines()]

    assert targets == ["demo", "test", "test-slow", "lint", "install", "clean"]


def test_the_integration_runs_make_test():
    file = ROOT / ".ci" / "run"

    assert file.read_text().splitlines()[-1] == "exec make test"
    assert os.access(file, os.X_OK)
