"""Every real clip at hand goes through the real command; nothing of them is in the repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fspose_app.cli import main

MEDIA = Path(__file__).parents[3] / "shared" / "media"
VIDEOS = sorted(p for p in MEDIA.rglob("*") if p.suffix in {".mp4", ".avi", ".webm"})


@pytest.mark.slow
@pytest.mark.skipif(not VIDEOS, reason="no folder of real clips beside the checkout")
@pytest.mark.parametrize("video", VIDEOS or [None], ids=lambda path: path and path.name)
def test_a_real_clip_is_followed_to_its_end(video: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["track", str(video), "-o", str(tmp_path)])

    assert result.exit_code == 0, result.output
    assert (tmp_path / "overlay.mp4").stat().st_size > 0
    header, *frames = (tmp_path / "result.jsonl").read_text().splitlines()
    assert json.loads(header)["source"]
    assert [json.loads(line)["frame"] for line in frames] == list(range(len(frames)))
    assert frames
