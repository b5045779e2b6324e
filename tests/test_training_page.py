"""docs/training.md is true: its commands run, in order, and its settings file is read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from fspose_app.cli import main

TEXT = (Path(__file__).parents[1] / "docs" / "training.md").read_text(encoding="utf-8")
PAGE = TEXT.partition("## How the embedded family was trained")[0]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]


def test_the_page_shows_commands_and_one_settings_file() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "yaml"}
    assert [kind for kind, _ in BLOCKS].count("yaml") == 1
    assert all(line.startswith("fspose ") for line in COMMANDS)
    assert {shlex.split(line)[2] for line in COMMANDS if " train " in line} == {
        *("finder", "slow", "fast", "transfer")
    }


def test_every_command_of_the_page_runs_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (settings,) = [block for kind, block in BLOCKS if kind == "yaml"]
    Path("fast.yaml").write_text(settings, encoding="utf-8")

    for line in COMMANDS:
        ran = CliRunner().invoke(main, shlex.split(line)[1:])
        assert ran.exit_code == 0, f"{line}\n{ran.output}"

    assert (tmp_path / "runs" / "transfer" / "final.safetensors").is_file()
    assert (tmp_path / "tracked" / "result.jsonl").is_file()
