"""The published chain from end to end: train, store, train, store, train, replay."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_chain_learns_from_nothing(tmp_path):
    script = [sys.executable, str(ROOT / "benchmarks" / "chain.py"), str(tmp_path), "--short"]

    ran = subprocess.run(script, cwd=ROOT, capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr
    found = json.loads((tmp_path / "chain.json").read_text(encoding="utf-8"))
    for net, losses in found["losses"].items():
        assert losses[-1] < losses[0], net
    before, after = found["average precision"]["before"], found["average precision"]["after"]
    for who in before:
        assert after[who] > before[who] + 10, (who, before, after)
