"""The loop and its files: the same run from the same seed, however often it is interrupted."""

from __future__ import annotations

import csv
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from data.errors import ConfigError, OutputError, TrainingError, WeightsError
from models.training.examples import Batch, Draw, Lap, Taught, prepared, stacked
from models.training.loop import BAD_BATCH, Run, teach
from models.training.plan import Plan
from models.training.records import LAST, LOG, Records, bare
from models.training.state import Epoch, Progress

PLAN = Plan(epochs=3, batch=4, milestones=(3,), rate=0.01)
RUN = Run(PLAN, seed=5, workers=0, device="cpu")


class Blobs:
    """Ten random images; the maps to learn are their blurred channels."""

    broken = 99
    figures: tuple[float, ...] = ()

    def __len__(self) -> int:
        return 10

    def batches(self, lap: Lap) -> Generator[Batch, None, None]:
        return prepared(self._make, len(self), lap)

    def _make(self, draw: Draw) -> Batch:
        images = [draw.rng(index).random((2, 8, 8)).astype(np.float32) for index in draw.indices]
        gains = [np.inf if index == self.broken else 0.5 for index in draw.indices]
        return stacked([(i, i * np.float32(g)) for i, g in zip(images, gains, strict=True)])

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        found = network(torch.from_numpy(batch[0]))
        return Taught(0.5 * (found - torch.from_numpy(batch[1])).square().mean(), 0.25, len(found))

    def measure(self, network: nn.Module, device: str) -> float | None:
        if not self.figures:
            return None
        first, *self.figures = self.figures
        return first


class Watch:
    """Stops after so many batches; remembers what it was shown."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.left = stop_after
        self.shown: list[int] = []

    def show(self, progress: Progress) -> None:
        self.left -= 1
        self.shown.append(progress.steps)

    def closed(self, epoch: Epoch) -> None:
        self.closed_epochs = epoch.epoch

    @property
    def wants_stop(self) -> bool:
        return self.left <= 0


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(2, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def records(folder: Path, **settings: str) -> Records:
    form = bare((32, 32))
    return Records(folder, {"seed": "5", **settings}, form, "final_state", "{}epoch.pth")


def go(folder: Path, watch: Watch | None = None, run: Run = RUN, *, resume: bool = False) -> bool:
    return teach(network(), Blobs(), run, records(folder), watch or Watch(), resume=resume)


def weights(folder: Path, name: str = "final_state.pth") -> dict[str, Tensor]:
    return dict(torch.load(folder / name, weights_only=True))


def log(folder: Path) -> list[dict[str, str]]:
    with (folder / LOG).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_a_network_learns_and_leaves_its_files(tmp_path: Path) -> None:
    watch = Watch()

    assert go(tmp_path, watch, replace(RUN, plan=replace(PLAN, epochs=30, milestones=())))

    rows = log(tmp_path)
    assert float(rows[-1]["loss"]) < 0.3 * float(rows[0]["loss"])
    names = {f"{epoch}epoch.pth" for epoch in range(1, 31)}
    names |= {"best.pth", "final_state.pth", LAST, LOG}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert watch.shown == list(range(1, 91))
    fresh = network()
    fresh.load_state_dict(weights(tmp_path, "30epoch.pth"))
    torch.testing.assert_close(weights(tmp_path), dict(fresh.state_dict()))


def test_steps_end_a_run_within_an_epoch_and_more_of_them_go_on(tmp_path: Path) -> None:
    plan = replace(PLAN, epochs=99, steps=4, milestones=(4,))

    assert go(tmp_path, watch := Watch(), replace(RUN, plan=plan))
    assert watch.shown == [1, 2, 3, 4]
    assert [float(row["rate"]) for row in log(tmp_path)] == pytest.approx([0.01, 0.01])

    longer = replace(RUN, plan=replace(plan, steps=6))
    assert go(tmp_path, watch := Watch(), longer, resume=True)
    assert watch.shown == [5, 6]
    assert [float(row["rate"]) for row in log(tmp_path)] == pytest.approx([0.01, 0.01, 0.001])


def test_a_run_that_was_stopped_after_its_last_step_is_still_closed(tmp_path: Path) -> None:
    run = replace(RUN, plan=replace(PLAN, epochs=99, steps=4))

    assert not go(tmp_path, Watch(stop_after=4), run)
    assert go(tmp_path, watch := Watch(), run, resume=True)

    assert watch.shown == []
    assert [row["epoch"] for row in log(tmp_path)] == ["1", "2"]
    go(tmp_path / "whole", run=run)
    torch.testing.assert_close(weights(tmp_path), weights(tmp_path / "whole"))


def test_a_gradients_every_number_is_cut(tmp_path: Path) -> None:
    """Without a momentum's history SGD's first step is the rate times the gradient."""
    plan = replace(PLAN, epochs=1, steps=1, rate=1.0, optimizer="sgd", clip_value=1e-3)
    before = network().state_dict()

    go(tmp_path, run=replace(RUN, plan=plan))

    moved = (weights(tmp_path)["2.weight"] - before["2.weight"]).abs()
    assert float(moved.max()) == pytest.approx(1e-3, rel=1e-3)


def test_sgd_spares_normalisations_the_decay(tmp_path: Path) -> None:
    """Of a gradient that is cut at nearly nothing only the decay is left."""
    plan = replace(PLAN, epochs=1, steps=1, rate=0.5, optimizer="sgd", decay=0.1, clip_value=1e-12)
    before = network().state_dict()

    go(tmp_path, run=replace(RUN, plan=plan))

    after = weights(tmp_path)
    torch.testing.assert_close(after["0.weight"], 0.95 * before["0.weight"])
    torch.testing.assert_close(after["1.weight"], before["1.weight"])


def test_parameters_may_learn_at_a_multiple_of_the_rate(tmp_path: Path) -> None:
    plan = replace(PLAN, epochs=1, steps=1, optimizer="sgd", clip_value=1e-4, rate=1.0)
    before = network().state_dict()["2.weight"]

    for name, multiples in (("one", ()), ("ten", (("2.", 10.0),))):
        run = replace(RUN, plan=replace(plan, multiples=multiples))
        go(tmp_path / name, run=run)

    one, ten = (weights(tmp_path / name)["2.weight"] - before for name in ("one", "ten"))
    torch.testing.assert_close(ten, 10 * one, rtol=1e-2, atol=1e-6)
    first = (weights(tmp_path / name)["0.weight"] for name in ("one", "ten"))
    torch.testing.assert_close(*first)


def test_biases_may_learn_at_another_rate_and_be_what_the_decay_spares(tmp_path: Path) -> None:
    plan = replace(PLAN, epochs=1, steps=1, rate=0.5, optimizer="sgd", decay=0.1, clip_value=1e-4)
    before = network().state_dict()

    run = replace(RUN, plan=replace(plan, bias_multiple=2.0, spared="biases"))
    go(tmp_path, run=run)

    after = weights(tmp_path)
    decayed = after["1.weight"] - 0.95 * before["1.weight"]  # a normalisation's, which counts too
    assert float(decayed.abs().max()) <= 0.5e-4 * 1.01
    moved = (after["2.bias"] - before["2.bias"]).abs()
    assert float(moved.max()) == pytest.approx(1e-4, rel=1e-2)


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
        def show(self, progress: Progress) -> None:
            if progress.steps == 5:
                raise SystemExit

    go(tmp_path / "whole")
    with pytest.raises(SystemExit):
        go(tmp_path / "parts", Killed())
    watch = Watch()

    go(tmp_path / "parts", watch, resume=True)

    assert watch.shown[0] == 4
    torch.testing.assert_close(weights(tmp_path / "parts"), weights(tmp_path / "whole"))


def test_a_whole_run_can_be_made_longer(tmp_path: Path) -> None:
    longer = replace(RUN, plan=replace(PLAN, epochs=5))
    go(tmp_path / "at once", run=longer)
    go(tmp_path / "longer")

    go(tmp_path / "longer", run=longer, resume=True)

    assert log(tmp_path / "at once") == log(tmp_path / "longer")


def test_no_epochs_write_the_network_as_it_begins(tmp_path: Path) -> None:
    go(tmp_path, run=replace(RUN, plan=replace(PLAN, epochs=0)))

    torch.testing.assert_close(weights(tmp_path), dict(network().state_dict()))


def test_long_epochs_are_saved_now_and_then(tmp_path: Path) -> None:
    clock = iter(range(0, 10**6, 400))  # seconds
    run = replace(RUN, clock=lambda: float(next(clock)))

    class Killed(Watch):
        def show(self, progress: Progress) -> None:
            if progress.steps == 3:
                raise SystemExit

    with pytest.raises(SystemExit):
        go(tmp_path, Killed(), run)

    assert torch.load(tmp_path / LAST, weights_only=True)["progress"]["step"] == 2


def test_a_folder_with_a_run_is_not_begun_anew(tmp_path: Path) -> None:
    go(tmp_path)

    with pytest.raises(OutputError, match="holds a run already"):
        go(tmp_path)


def test_other_settings_do_not_go_on_with_a_run(tmp_path: Path) -> None:
    go(tmp_path)

    with pytest.raises(ConfigError, match="begun with seed 5, and this run has 6"):
        teach(network(), Blobs(), RUN, records(tmp_path, seed="6"), Watch(), resume=True)


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
        teach(network(), lesson, RUN, records(tmp_path), Watch(), resume=True)

    (batch,) = [torch.load(tmp_path / BAD_BATCH, weights_only=True)]
    assert not batch[1].isfinite().all()
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


def test_the_familys_plan_goes_on_as_if_never_stopped_too(tmp_path: Path) -> None:
    plan = Plan(3, 4, 0.01, schedule="cosine", warmup=2, optimizer="adamw", average=0.9, clip=1.0)
    run = replace(RUN, plan=plan)
    go(tmp_path / "whole", run=run)

    assert not go(tmp_path / "parts", Watch(5), run)
    assert go(tmp_path / "parts", run=run, resume=True)

    assert log(tmp_path / "parts") == log(tmp_path / "whole")
    for name, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(tensor, weights(tmp_path / "parts")[name])


def test_the_average_is_kept_and_the_network_learns_on(tmp_path: Path) -> None:
    go(tmp_path, run=replace(RUN, plan=replace(PLAN, average=0.99)))

    state = torch.load(tmp_path / LAST, weights_only=True)
    final = weights(tmp_path)
    torch.testing.assert_close(dict(state["average"]), final)
    assert not torch.equal(state["network"]["0.weight"], final["0.weight"])


@pytest.mark.parametrize(("figures", "best"), [((0.2, 0.5, 0.4), 2), ((0.5, 0.5, 0.1), 1), ((), 3)])
def test_the_best_weights_are_those_of_the_best_figure_or_the_lowest_loss(
    figures: tuple[float, ...], best: int, tmp_path: Path
) -> None:
    lesson = Blobs()
    lesson.figures = figures

    teach(network(), lesson, RUN, records(tmp_path), Watch(), resume=False)

    torch.testing.assert_close(weights(tmp_path, "best.pth"), weights(tmp_path, f"{best}epoch.pth"))


def test_bfloat16_learns_too(tmp_path: Path) -> None:
    go(tmp_path, run=replace(RUN, plan=replace(PLAN, precision="bfloat16")))

    assert float(log(tmp_path)[-1]["loss"]) < float(log(tmp_path)[0]["loss"])
    assert weights(tmp_path)["0.weight"].dtype == torch.float32


def test_weights_that_a_step_made_useless_are_not_written(tmp_path: Path) -> None:
    go(tmp_path, run=replace(RUN, plan=replace(PLAN, epochs=1)))
    whole = (tmp_path / LAST).read_bytes()

    class Spoilt(Blobs):
        def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
            """A number, 0, whose gradient is none."""
            return Taught((network[0].weight * 0).sqrt().sum())

    with pytest.raises(TrainingError, match="The weights are no numbers after epoch 2, batch 1"):
        teach(network(), Spoilt(), RUN, records(tmp_path), Watch(1), resume=True)

    assert (tmp_path / LAST).read_bytes() == whole
