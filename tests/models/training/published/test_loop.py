"""The loop and its files: the same run from the same seed, however often it is interrupted."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from data.errors import ConfigError, OutputError, TrainingError, WeightsError
from models.training.published.examples import Example
from models.training.published.loop import Run, train
from models.training.published.records import LAST, LOG, Progress, Records
from models.training.published.schedule import Schedule

SCHEDULE = Schedule(epochs=3, batch=4, milestones=(3,), rate=0.01)
RUN = Run(SCHEDULE, seed=5, workers=0, device="cpu")


class Blobs:
    """Ten random images; the maps to learn are their blurred channels."""

    broken = 99

    def __len__(self) -> int:
        return 10

    def example(self, index: int, rng: np.random.Generator) -> Example:
        image = rng.random((2, 8, 8)).astype(np.float32)
        target = image * (np.inf if index == self.broken else 0.5)
        return Example((image,), target, np.ones(2, np.float32))

    def answer(self, network: nn.Module, inputs: tuple[np.ndarray, ...], device: str) -> Tensor:
        return network(torch.from_numpy(inputs[0]))


class Watch:
    """Stops after so many batches; remembers what it was shown."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.left = stop_after
        self.shown: list[int] = []

    def show(self, done: int, progress: Progress) -> None:
        self.left -= 1
        self.shown.append(done)

    @property
    def wants_stop(self) -> bool:
        return self.left <= 0


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(2, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def records(folder: Path, **settings: str) -> Records:
    return Records(folder, "{}epoch.pth", {"seed": "5", **settings}, (32, 32))


def go(folder: Path, watch: Watch | None = None, run: Run = RUN, *, resume: bool = False) -> bool:
    return train(network(), Blobs(), run, records(folder), watch or Watch(), resume=resume)


def weights(folder: Path, name: str = "final_state.pth") -> dict[str, Tensor]:
    return dict(torch.load(folder / name, weights_only=True))


def log(folder: Path) -> list[dict[str, str]]:
    with (folder / LOG).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_a_network_learns_and_leaves_its_files(tmp_path: Path) -> None:
    watch = Watch()

    assert go(tmp_path, watch, replace(RUN, schedule=replace(SCHEDULE, epochs=30, milestones=())))

    rows = log(tmp_path)
    assert float(rows[-1]["loss"]) < 0.3 * float(rows[0]["loss"])
    names = {f"{epoch}epoch.pth" for epoch in range(1, 31)} | {"final_state.pth", LAST, LOG}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert watch.shown == list(range(1, 91))
    fresh = network()
    fresh.load_state_dict(weights(tmp_path, "30epoch.pth"))
    torch.testing.assert_close(weights(tmp_path), dict(fresh.state_dict()))


def test_the_log_has_a_line_per_epoch_with_its_rate(tmp_path: Path) -> None:
    go(tmp_path)

    assert [row["epoch"] for row in log(tmp_path)] == ["1", "2", "3"]
    assert [float(row["rate"]) for row in log(tmp_path)] == pytest.approx([0.01, 0.01, 0.001])
    assert all(0 <= float(row["accuracy"]) <= 1 for row in log(tmp_path))


def test_the_same_seed_is_the_same_run_with_any_number_of_workers(tmp_path: Path) -> None:
    go(tmp_path / "one")
    go(tmp_path / "two", run=replace(RUN, workers=3))
    go(tmp_path / "other", run=replace(RUN, seed=6))

    assert log(tmp_path / "one") == log(tmp_path / "two") != log(tmp_path / "other")
    for name, tensor in weights(tmp_path / "one").items():
        assert torch.equal(tensor, weights(tmp_path / "two")[name])


@pytest.mark.parametrize("batches", [1, 2, 3, 4, 7, 9])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(batches: int, tmp_path: Path) -> None:
    """Each epoch has three batches: in the middle of one, and just before its end."""
    go(tmp_path / "whole")

    assert not go(tmp_path / "parts", Watch(batches))
    assert not (tmp_path / "parts" / "final_state.pth").exists()
    watch = Watch()
    assert go(tmp_path / "parts", watch, resume=True)

    assert watch.shown == list(range(batches + 1, 10))
    assert log(tmp_path / "parts") == log(tmp_path / "whole")
    for name, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(tensor, weights(tmp_path / "parts")[name])


def test_a_run_that_was_killed_goes_on_after_its_last_epoch(tmp_path: Path) -> None:
    class Killed(Watch):
        def show(self, done: int, progress: Progress) -> None:
            if done == 5:
                raise SystemExit

    go(tmp_path / "whole")
    with pytest.raises(SystemExit):
        go(tmp_path / "parts", Killed())
    watch = Watch()

    go(tmp_path / "parts", watch, resume=True)

    assert watch.shown[0] == 4
    torch.testing.assert_close(weights(tmp_path / "parts"), weights(tmp_path / "whole"))


def test_a_whole_run_can_be_made_longer(tmp_path: Path) -> None:
    longer = replace(RUN, schedule=replace(SCHEDULE, epochs=5))
    go(tmp_path / "at once", run=longer)
    go(tmp_path / "longer")

    go(tmp_path / "longer", run=longer, resume=True)

    assert log(tmp_path / "at once") == log(tmp_path / "longer")


def test_no_epochs_write_the_network_as_it_begins(tmp_path: Path) -> None:
    go(tmp_path, run=replace(RUN, schedule=replace(SCHEDULE, epochs=0)))

    torch.testing.assert_close(weights(tmp_path), dict(network().state_dict()))


def test_long_epochs_are_saved_now_and_then(tmp_path: Path) -> None:
    clock = iter(range(0, 10**6, 400))  # seconds
    run = replace(RUN, clock=lambda: float(next(clock)))

    class Killed(Watch):
        def show(self, done: int, progress: Progress) -> None:
            if done == 3:
                raise SystemExit

    with pytest.raises(SystemExit):
        go(tmp_path, Killed(), run)

    assert torch.load(tmp_path / LAST, weights_only=True)["progress"]["step"] == 1


def test_a_folder_with_a_run_is_not_begun_anew(tmp_path: Path) -> None:
    go(tmp_path)

    with pytest.raises(OutputError, match="holds a run already"):
        go(tmp_path)


def test_other_settings_do_not_go_on_with_a_run(tmp_path: Path) -> None:
    go(tmp_path)

    with pytest.raises(ConfigError, match="begun with seed 5, and this run has 6"):
        train(network(), Blobs(), RUN, records(tmp_path, seed="6"), Watch(), resume=True)


@pytest.mark.parametrize("content", [b"", b"no state", b"PK\x03\x04 cut short"])
def test_a_damaged_state_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / LAST).write_bytes(content)

    with pytest.raises(WeightsError, match="is no state of a training, or is damaged"):
        go(tmp_path, resume=True)


def test_weights_are_no_state(tmp_path: Path) -> None:
    torch.save(network().state_dict(), tmp_path / LAST)

    with pytest.raises(WeightsError, match="is no state of a training"):
        go(tmp_path, resume=True)


def test_to_go_on_with_nothing_is_to_begin(tmp_path: Path) -> None:
    assert go(tmp_path / "new", resume=True)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_state(tmp_path: Path) -> None:
    go(tmp_path, Watch(2))
    lesson = Blobs()
    lesson.broken = 7

    with pytest.raises(TrainingError, match=r"The loss is (inf|nan) in epoch \d, batch \d"):
        train(network(), lesson, RUN, records(tmp_path), Watch(), resume=True)

    assert go(tmp_path, resume=True)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OutputError, match=r"file.* cannot be written"):
        go(tmp_path / "file" / "run")


def test_weights_that_cannot_be_written_are_told_and_leave_nothing_half(tmp_path: Path) -> None:
    (tmp_path / "2epoch.pth").mkdir()  # in the way

    with pytest.raises(OutputError, match=r"2epoch\.pth cannot be written"):
        go(tmp_path)

    assert not list(tmp_path.glob("*.partial"))
    assert len(log(tmp_path)) == 1
    (tmp_path / "2epoch.pth").rmdir()
    assert go(tmp_path, resume=True)
