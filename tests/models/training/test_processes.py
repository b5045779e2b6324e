"""Two processes that torchrun starts teach as one does."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from models.training.processes import Crew

ROOT = Path(__file__).parents[3]

SCRIPT = """
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.training.examples import Taught, prepared, stacked
from models.training.loop import Run, teach
from models.training.plan import Plan
from models.training.records import Records, bare


class Lines:
    def __len__(self):
        return 10

    def batches(self, lap):
        return prepared(self.make, len(self), lap)

    def make(self, draw):
        return stacked([(draw.rng(n).random(3).astype(np.float32),) for n in draw.indices])

    def loss(self, network, batch, device, share):
        x = torch.from_numpy(batch[0])
        return Taught((network(x)[:, 0] - x.sum(1)).square().mean(), 1.0, len(x))

    def measure(self, network, device):
        return None


class Watch:
    left = int(sys.argv[2])

    def show(self, progress):
        self.left -= 1

    def closed(self, epoch):
        pass

    @property
    def wants_stop(self):
        # only one of the processes is told
        import os
        return self.left <= 0 and os.environ.get("RANK", "0") == "0"


torch.manual_seed(0)
plan = Plan(epochs=3, batch=4, rate=0.05, average=0.5, clip=1.0)
records = Records(Path(sys.argv[1]), {}, bare(None), "final")
run = Run(plan, seed=1, workers=1, device="cpu")
teach(nn.Linear(3, 1), Lines(), run, records, Watch(), resume=True)
"""


def go(folder: Path, *, processes: int, steps: int = 10**6) -> None:
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    launcher = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}")
    ran = subprocess.run(
        [sys.executable, *(launcher if processes > 1 else ()), script, folder, str(steps)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(folder / "final.pth", weights_only=True))


def losses(folder: Path) -> list[float]:
    with (folder / "log.csv").open(encoding="utf-8") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one_also_when_stopped(tmp_path: Path) -> None:
    go(tmp_path / "one", processes=1)
    go(tmp_path / "two", processes=2, steps=4)
    assert not (tmp_path / "two" / "final.pth").exists()
    go(tmp_path / "two", processes=2)

    torch.testing.assert_close(weights(tmp_path / "two"), weights(tmp_path / "one"))
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-5)
    assert {path.name for path in (tmp_path / "two").iterdir()} == {
        *("best.pth", "final.pth", "last.pth", "log.csv")
    }


def test_normalisations_look_at_all_processes_where_there_are_several_on_cuda() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))
    names = list(network.state_dict())

    assert Crew(0, 1, "cuda:0").normalised(network) is network
    assert Crew(0, 2, "cpu").normalised(network) is network
    joined = Crew(0, 2, "cuda:0").normalised(network)
    assert isinstance(joined[1], torch.nn.SyncBatchNorm)
    assert list(joined.state_dict()) == names
