"""The door is tidy: every command and option has help, --help is quick, the README names all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import Result

from fspose_app import __version__
from fspose_app.cli import main

Fspose = Callable[..., Result]
README = Path(__file__).parents[3] / "README.md"


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    for part, command in group.commands.items():
        yield f"{name} {part}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {part}")


COMMANDS = dict(commands(main, "fspose"))
OPTIONS = {
    f"{name} {option.opts[0]}": option
    for name, command in {"fspose": main, **COMMANDS}.items()
    for option in command.params
    if isinstance(option, click.Option)
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_that_is_a_sentence(name: str) -> None:
    text = COMMANDS[name].help or ""

    assert text.strip().endswith(".")
    assert text[0].isupper()


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_has_help_that_is_a_sentence(name: str) -> None:
    text = OPTIONS[name].help or ""

    assert text.endswith(".")
    assert text[0].isupper()


@pytest.mark.parametrize("name", [name for name, o in OPTIONS.items() if not o.is_flag])
def test_an_option_shows_its_default(name: str) -> None:
    option = OPTIONS[name]

    assert option.required or option.show_default


@pytest.mark.parametrize("name", [name for name in COMMANDS if "models" not in name.split()[:-1]])
def test_a_command_is_named_in_the_readme(name: str) -> None:
    assert name in README.read_text(encoding="utf-8")


def shorts(group: click.Group) -> dict[str, str]:
    """The sentence that a group's help has of each command, of any length."""
    formatter = click.HelpFormatter(width=1000, max_width=1000)
    group.format_commands(click.Context(group), formatter)
    rows = [line.split(maxsplit=1) for line in formatter.getvalue().splitlines()[1:]]
    return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, command in {"fspose": main, **COMMANDS}.items()
        if hasattr(command, "commands")
    ],
)
def test_a_group_says_of_its_commands_what_they_say_themselves(name: str) -> None:
    group = {"fspose": main, **COMMANDS}[name]
    assert isinstance(group, click.Group)

    own = {part: command.get_short_help_str(900) for part, command in group.commands.items()}

    assert shorts(group) == own


EAGER = {
    "--version": {"numpy", "rich"},
    "--help": {"numpy", "rich"},
    "evaluate posetrack --help": {"cv2", "scipy", "pydantic", "av", "matplotlib", "jinja2"},
    "track --help": {"torch"},
    "webcam --help": {"torch"},
    "detect --help": {"torch"},
    "backends": {"torch"},
}
"""Libraries that take their time to be imported, and what is answered without them."""


@pytest.mark.parametrize("typed", EAGER)
def test_a_quick_answer_does_not_wait_for_libraries(typed: str) -> None:
    unwanted = EAGER[typed] | {"torch", "scipy"}
    program = (
        "import sys\n"
        "from fspose_app.cli import main\n"
        f"main({typed.split()}, prog_name='fspose', standalone_mode=False)\n"
        f"print(*sorted({unwanted} & set(sys.modules)), file=sys.stderr)\n"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (ran.returncode, ran.stderr) == (0, "\n")


def test_an_unknown_command_is_told(fspose: Fspose) -> None:
    ran = fspose("evalaute")

    assert ran.exit_code == 2
    assert "No such command 'evalaute'" in ran.stderr


def test_the_version_is_told(fspose: Fspose) -> None:
    assert fspose("--version").stdout.strip().endswith(__version__)


def test_python_dash_m_is_the_same_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "fspose_app", "--version"], capture_output=True, text=True
    )

    assert f"fspose, version {__version__}\n" == ran.stdout


def test_backends_are_listed_with_their_options(fspose: Fspose) -> None:
    ran = fspose("backends")

    assert ran.exit_code == 0
    assert "keypoint_rcnn" in ran.stdout
    assert "most_people: int = 100" in ran.stdout


def test_models_are_listed_shown_and_verified(fspose: Fspose, family: Path) -> None:
    listed = fspose("models", "list", "--family", family)
    shown = fspose("models", "show", "tiny-slow", "--family", family)
    verified = fspose("models", "verify", "--family", family)

    assert (listed.exit_code, shown.exit_code, verified.exit_code) == (0, 0, 0)
    assert all(f"tiny-{role}" in listed.stdout for role in ("finder", "slow", "fast", "transfer"))
    assert "tiny-slow.safetensors" in shown.stdout
    assert verified.stdout.count(": intact") == 4


def test_a_bug_shows_its_traceback() -> None:
    @main.command("break-down", hidden=True)
    def break_down() -> None:
        raise ZeroDivisionError("a bug")

    try:
        with pytest.raises(ZeroDivisionError):
            main(["break-down"], standalone_mode=True)
    finally:
        del main.commands["break-down"]


def test_ctrl_c_before_a_run_begins_is_130(fspose: Fspose) -> None:
    @main.command("wait", hidden=True)
    def wait() -> None:
        raise KeyboardInterrupt

    try:
        ran = fspose("wait")
    finally:
        del main.commands["wait"]

    assert (ran.exit_code, ran.stderr) == (130, "Stopped.\n")


@pytest.mark.parametrize(
    ("command", "wish", "policy"),
    [
        ("track", None, "PASSIVE"),
        ("bench", None, "PASSIVE"),
        ("track", "ACTIVE", "ACTIVE"),
        ("train", None, None),
    ],
)
def test_idle_threads_of_the_networks_sleep_where_others_work_beside_them(
    fspose: Fspose,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    wish: str | None,
    policy: str | None,
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "")  # so that it is as before, afterwards
    monkeypatch.delenv("OMP_WAIT_POLICY")
    if wish is not None:
        monkeypatch.setenv("OMP_WAIT_POLICY", wish)

    fspose(command, "--no-such-option")

    assert os.environ.get("OMP_WAIT_POLICY") == policy
