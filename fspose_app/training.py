"""Settings become a training: a course, its length, its files, and who watches. Brings in torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data.errors import ConfigError, TrainingError
from data.posetrack_set import AnnotatedSet, read_set
from fspose_app.board import Board
from fspose_app.console import Tell
from fspose_app.stopping import StopRequest
from fspose_app.train_config import (
    FamilyFast,
    FamilyFinder,
    FamilySlow,
    FamilyTransfer,
    PublishedFast,
    PublishedSlow,
    PublishedTransfer,
    TrainSettings,
    TransferSettings,
)
from fspose_app.train_detectors import DetectorSettings
from fspose_app.training_data import CACHE, material
from fspose_app.training_scenes import detector_course
from models import archives, device, published, zoo
from models.training import family, pairs_lesson
from models.training.course import Course
from models.training.examples import steps_of
from models.training.loop import Run, teach
from models.training.plan import Plan
from models.training.published import course, networks
from models.training.records import LAST, Records
from models.training.state import Epoch, Progress
from models.training.trial import seconds_per_step
from pipelines.heatmap_job import image_path

DRAWN_PAIRS = 20_000  # in an epoch of pairs that are drawn at random


def leads() -> bool:
    """Whether this process speaks; of several that torchrun started only one does."""
    return os.environ.get("RANK", "0") == "0"


@dataclass(frozen=True, slots=True)
class Watcher:
    """Shows the loop's progress, writes TensorBoard's log, and hands on the wish to stop."""

    tell: Tell
    stop: StopRequest
    board: Board
    in_minutes: bool

    def show(self, progress: Progress) -> None:
        done = int(progress.spent) if self.in_minutes else progress.steps
        accuracy = f", accuracy {progress.mean_accuracy:.3f}" if progress.counted else ""
        self.tell(done, f"epoch {progress.epoch + 1}, loss {progress.mean_loss:.3g}{accuracy}")
        self.board.step = progress.steps

    def closed(self, epoch: Epoch) -> None:
        self.board.add(
            loss=epoch.loss, accuracy=epoch.accuracy, rate=epoch.rate, held_out=epoch.held_out
        )

    @property
    def wants_stop(self) -> bool:
        return self.stop.wanted


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """A course, ready to run in `folder`; `notes` are what the person should know before."""

    course: Course
    run: Run
    settings: Mapping[str, str]
    folder: Path | None
    resume: bool
    tensorboard: bool
    notes: tuple[str, ...]

    @property
    def plan(self) -> Plan:
        return self.run.plan

    @property
    def steps_an_epoch(self) -> int:
        world = int(os.environ.get("WORLD_SIZE", "1"))
        return steps_of(len(self.course.lesson), self.plan.batch, world)

    @property
    def total(self) -> int:
        """How many steps, or seconds, the whole run has."""
        if self.plan.minutes is not None:
            return round(60 * self.plan.minutes)
        steps = self.plan.epochs * self.steps_an_epoch
        return steps if self.plan.steps is None else min(steps, self.plan.steps)

    @property
    def unit(self) -> str:
        return "steps" if self.plan.minutes is None else "seconds"

    @property
    def done(self) -> int:
        """How much of the total lies behind. Raises what reading the last state raises."""
        if not self.resume:
            return 0
        progress = self.records.progress()
        return progress.steps if self.plan.minutes is None else int(progress.spent)

    @property
    def records(self) -> Records:
        made = self.course
        assert self.folder is not None
        return Records(self.folder, self.settings, made.form, made.final, made.pattern)

    def __call__(self, tell: Tell, stop: StopRequest) -> bool:
        """Train to the end, or until it is to stop; whether it came to its end."""
        made, records = self.course, self.records
        logs = self.tensorboard and leads()
        with closing(Board(records.folder if logs else None)) as board:
            watcher = Watcher(tell, stop, board, self.plan.minutes is not None)
            return teach(made.network, made.lesson, self.run, records, watcher, resume=self.resume)

    @property
    def final(self) -> Path:
        return self.records.final_path

    def seconds_per_step(self) -> float | None:
        """Of a few steps, whose outcome is thrown away; None where there are none."""
        return seconds_per_step(self.course, self.run)


def prepare(settings: TrainSettings, network: str, *, resume: bool) -> Training:
    """What settings name, read and built.

    Raises what reading annotations, images, databases and checkpoints raises, ConfigError, and
    TrainingError where there is no run to go on with.
    """
    if resume and settings.out is not None:
        _require_run(settings.out)
    if settings.threads is not None:
        device.use_threads(settings.threads)
    where = device.choose(settings.device)
    made = _course(settings, network, where)
    notes = [*made.notes]
    start = _file(settings.start)
    if start is not None:
        left = (made.fill or networks.start)(made.network, start)
        if left:
            notes.append(f"{start}: {', '.join(left)} left out, which is for other keypoints.")
    plan = settings.plan
    run = Run(plan, settings.seed, settings.workers, where)
    same = {
        **made.settings,
        "batch-size": plan.batch,
        "lr": plan.rate,
        "schedule": plan.schedule,
        "milestones": ",".join(map(str, plan.milestones))
        + ("" if plan.steps is None else " steps"),
        "warmup": plan.warmup,
        "optimizer": f"{plan.optimizer} {plan.decay:g}",
        "average": plan.average,
        "clip": plan.clip,
        "precision": plan.precision,
        "start": "none" if start is None else archives.sha256(start),
    }
    if isinstance(settings, DetectorSettings):
        same |= {"warmup-from": plan.warmup_from, "clip-value": plan.clip_value}
        same |= {"power": plan.power, "multiples": plan.multiples}
    texts = {name: str(value) for name, value in same.items()}
    out, logs = settings.out, settings.tensorboard
    return Training(made, run, texts, out, resume, logs, tuple(notes))


def _require_run(folder: Path) -> None:
    """TrainingError where `folder` holds no state: to begin anew instead would take it for one."""
    if not (folder / LAST).is_file():
        raise TrainingError(
            f"There is no run to go on with: {folder / LAST} is missing. Name the run's folder "
            "with -o, or begin one without --resume."
        )


def _course(settings: TrainSettings, network: str, where: str) -> Course:
    if isinstance(settings, DetectorSettings):
        return detector_course(network, settings)
    build = _COURSES[type(settings)]
    made: Course = build(settings, network, where)
    return made


def _published_slow(settings: PublishedSlow, _: str, where: str) -> Course:
    chosen = settings.model_dump(include={"network", "width", "size", "sigma", "seed"})
    return course.slow(_one_set(settings), _located(settings), **_crops(settings), **chosen)


def _published_fast(settings: PublishedFast, _: str, where: str) -> Course:
    chosen = settings.model_dump(include={"width", "size", "sigma", "seed"})
    return course.fast(_one_set(settings), _located(settings), **_crops(settings), **chosen)


def _published_transfer(settings: PublishedTransfer, _: str, where: str) -> Course:
    return course.transfer(_one_set(settings), **_pairs(settings))


def _family_pose(settings: FamilySlow, network: str, where: str) -> Course:
    chosen = settings.model_dump(include={"network", "width", "size", "sigma", "teacher", "seed"})
    role: Any = network
    return family.pose(role, material(settings), **chosen)


def _family_finder(settings: FamilyFinder, _: str, where: str) -> Course:
    found = material(settings)
    return family.finder(found, width=settings.width, trunk=settings.trunk, seed=settings.seed)


def _family_transfer(settings: FamilyTransfer, _: str, where: str) -> Course:
    if settings.heatmaps_slow is not None or settings.heatmaps_fast is not None:
        return family.stored_pairs(_one_set(settings), **_pairs(settings))
    lesson = pairs_lesson.drawn_pairs(
        settings.family or zoo.BUNDLED,
        packs=settings.packs,
        cache=settings.cache or (settings.out or Path()) / CACHE,
        scenes=settings.drawn,
        pool=settings.pool,
        count=DRAWN_PAIRS,
        seed=settings.seed,
        device=where,
    )
    names = f"{settings.drawn} drawn clips" + ("" if settings.packs is None else " and packs")
    return family.drawn_pairs(lesson, names, width=settings.width, seed=settings.seed)


_COURSES: dict[type[TrainSettings], Callable[..., Course]] = {
    PublishedSlow: _published_slow,
    PublishedFast: _published_fast,
    PublishedTransfer: _published_transfer,
    FamilySlow: _family_pose,
    FamilyFast: _family_pose,
    FamilyFinder: _family_finder,
    FamilyTransfer: _family_transfer,
}


def _located(settings: PublishedSlow | PublishedFast) -> partial[Path]:
    return partial(image_path, settings.images[0])


def _one_set(settings: TrainSettings) -> AnnotatedSet:
    """The PoseTrack annotations that the published recipes learn from, and all databases."""
    if len(settings.annotations) > 1:
        raise ConfigError("One --annotations is expected here; merge PoseTrack folders into one.")
    return read_set(settings.annotations[0])


def _crops(settings: PublishedSlow | PublishedFast) -> dict[str, Any]:
    varied = course.augmentation(varied=settings.augment, half_body=settings.half_body)
    return {
        "augmentation": varied,
        "val": None if settings.val is None else read_set(settings.val),
    }


def _pairs(settings: TransferSettings) -> dict[str, Any]:
    chosen = settings.model_dump(include={"pairs", "support_range", "width", "sigma", "seed"})
    return {
        "heatmaps": {"slow": settings.heatmaps_slow, "fast": settings.heatmaps_fast},
        **chosen,
    }


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
