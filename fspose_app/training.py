"""Options become a training: a course, its length, its files, and who watches. Brings in torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data.errors import ConfigError
from data.posetrack_set import read_set
from fspose_app.console import Tell
from fspose_app.stopping import StopRequest
from models import archives, device, published
from models.training.published import course
from models.training.published.course import Course
from models.training.published.loop import Run, train
from models.training.published.records import Progress, Records
from models.training.published.schedule import FINAL, PATTERNS, Schedule
from pipelines.heatmap_job import image_path

Typed = Mapping[str, Any]
"""The values of a command's options under their names."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Shows the loop's progress, and hands on the wish to stop."""

    tell: Tell
    stop: StopRequest

    def show(self, done: int, progress: Progress) -> None:
        self.tell(
            done,
            f"epoch {progress.epoch + 1}, loss {progress.mean_loss:.3g}, "
            f"accuracy {progress.mean_accuracy:.3f}",
        )

    @property
    def wants_stop(self) -> bool:
        return self.stop.wanted


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """A course, ready to run; `notes` are what the person should know before."""

    course: Course
    run: Run
    records: Records
    resume: bool
    notes: tuple[str, ...]

    @property
    def steps(self) -> int:
        """How many batches all epochs have."""
        schedule = self.run.schedule
        return schedule.epochs * -(-len(self.course.lesson) // schedule.batch)

    def __call__(self, tell: Tell, stop: StopRequest) -> bool:
        """Train to the end, or until it is to stop; whether it came to its end."""
        course, watcher = self.course, Watcher(tell, stop)
        return train(
            course.network, course.lesson, self.run, self.records, watcher, resume=self.resume
        )

    @property
    def final(self) -> Path:
        return self.records.folder / FINAL


def slow(typed: Typed) -> Training:
    """`fspose train slow`. Raises what reading annotations and checkpoints raises."""
    chosen = {name: typed[name] for name in ("network", "width", "size", "sigma", "seed")}
    made = course.slow(
        read_set(typed["annotations"]), _locate(typed), augmentation=_augmentation(typed), **chosen
    )
    return _training(made, typed)


def fast(typed: Typed) -> Training:
    """`fspose train fast`. Raises what reading annotations and checkpoints raises."""
    chosen = {name: typed[name] for name in ("width", "size", "sigma", "seed")}
    made = course.fast(
        read_set(typed["annotations"]), _locate(typed), augmentation=_augmentation(typed), **chosen
    )
    return _training(made, typed)


def transfer(typed: Typed) -> Training:
    """`fspose train transfer`. Raises what reading annotations and databases raises."""
    chosen = {name: typed[name] for name in ("pairs", "support_range", "width", "sigma", "seed")}
    heatmaps = {"slow": typed["heatmaps_slow"], "fast": typed["heatmaps_fast"]}
    made = course.transfer(read_set(typed["annotations"]), heatmaps=heatmaps, **chosen)
    return _training(made, typed)


def _training(made: Course, typed: Typed) -> Training:
    if typed["threads"] is not None:
        device.use_threads(typed["threads"])
    schedule = Schedule(typed["epochs"], typed["batch_size"], typed["milestones"], rate=typed["lr"])
    run = Run(schedule, typed["seed"], typed["workers"], device.choose(typed["device"]))
    notes = []
    if made.left_out:
        notes.append(f"{made.left_out} annotated people are not in the databases and left out.")
    start = _file(typed["start"])
    if start is not None:
        left = made.begun_with(start)
        if left:
            notes.append(f"{start}: {', '.join(left)} left out, which is for other keypoints.")
    settings = {
        **made.settings,
        "batch-size": schedule.batch,
        "lr": schedule.rate,
        "milestones": ",".join(map(str, schedule.milestones)),
        "start": "none" if start is None else archives.sha256(start),
    }
    texts = {name: str(value) for name, value in settings.items()}
    records = Records(typed["out"], PATTERNS[made.role], texts, made.size)
    return Training(made, run, records, typed["resume"], tuple(notes))


def _locate(typed: Typed) -> partial[Path]:
    return partial(image_path, typed["images"])


def _augmentation(typed: Typed) -> Any:
    return course.augmentation(varied=typed["augment"], half_body=typed["half_body"])


def _file(given: Path | None) -> Path | None:
    """A checkpoint's file, also of one that was fetched and is given by its name."""
    if given is None or archives.parts(given):
        return given
    item = next((i for i in published.CATALOGUE if i.files and i.name == str(given)), None)
    if item is None:
        return given
    path = item.path(published.models_folder())
    if not archives.parts(path):
        raise ConfigError(f"'{item.name}' is not fetched: run fspose models fetch {item.name}.")
    return path
