"""Settings become networks: from which score on a backend's people count, and what is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fspose_app.build import Wanted
from fspose_app.config import TrackSettings
from models import backends


@pytest.mark.parametrize("name", backends.names())
def test_guesses_are_not_taken_for_people(name: str) -> None:
    """Detectors hand out boxes from 0.05 on."""
    score = Wanted(TrackSettings(backend=name), "cpu").sure_score()

    assert 0.1 <= score <= 0.5


def test_a_score_that_was_asked_for_is_the_one() -> None:
    settings = TrackSettings(backend="fcpose", backend_options={"least_score": 0.12})

    assert Wanted(settings, "cpu").sure_score() == 0.12


def test_following_people_does_not_wait_for_torchvision(
    family: Path, video: Path, tmp_path: Path
) -> None:
    """It takes more than a second to be imported."""
    code = f"""
import sys
from fspose_app.cli import main
sys.argv = ["fspose", "track", {str(video)!r}, "-o", {str(tmp_path)!r}, "--family", {str(family)!r},
            "--device", "cpu", "--threads", "1", "--no-overlay"]
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
sys.exit("torchvision" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "result.jsonl").exists()
