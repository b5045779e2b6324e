"""How well people are followed end to end, from raw frames alone.

    python benchmarks/tracking.py MEDIA_DIR [--clips 20] [--json OUT.json] [--write DIR]

What `fspose track` does with its default settings, on the sequence in
MEDIA_DIR/annotated/bonn_posetrack and on the drawn clips of `benchmarks/clips.py`; no annotation is
given to it. MOTA, HOTA and IDF1 are PoseTrack's, per keypoint, as `fspose evaluate posetrack` has
them. The counts after them are of people, whose boxes are matched at an IoU of 0.5 as MOTChallenge
does (motmetrics): switches of identity, misses, false positives, fragmentations.

`hidden` is in how many frames people are fully hidden between two frames in which they are seen
(less than 8 % of a drawn body is visible); the promise is that nobody's identity switches where
there is no such frame. `--write` draws the frames about each switch. `--tuned` takes clips from the
seeds on which settings may be chosen, in place of those for figures.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import cv2
import motmetrics
import numpy as np
from clips import COUNT, REPORTED, TUNED, Clip, clips, fully_hidden
from figures import write
from seen import BONN, media

from data import posetrack
from data.flat_sequence import FlatSequence, flat
from data.frame import FrameResult
from data.posetrack import Annotated, Person
from data.similarity import iou_matrix
from data.skeleton import POSETRACK_17, Skeleton
from data.sources import open_source
from data.synthetic.scene import sequence
from fspose_app import build, overlay
from fspose_app.config import TrackSettings
from fspose_app.rate import timed
from models import zoo
from pipelines.evaluation.posetrack import evaluate_sequences
from pipelines.evaluation.scores import Scores, SequenceScores
from pipelines.pipeline import Pipeline
from pipelines.timing import no_clock

LEAST_IOU = 0.5
COUNTS = {
    "switches": "num_switches",
    "misses": "num_misses",
    "false_positives": "num_false_positives",
    "fragmentations": "num_fragmentations",
    "people": "num_objects",
}
AROUND = (-8, -4, -2, -1, 0, 1, 4)  # frames about a switch that are drawn
METRICS = ("mot", "hota", "idf1")
_NO_IMAGE = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Switch:
    """A person whose track's number changes: frame, annotated track, number before and after."""

    frame: int
    person: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Followed:
    """One clip's figures; `mota`, `hota`, `idf1` in per cent, the rest are counts."""

    name: str
    frames: int
    hidden: int
    mota: float
    hota: float
    idf1: float
    people: int
    switches: int
    misses: int
    false_positives: int
    fragmentations: int
    changes: list[Switch] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A clip with the truth and what was made of it, frame by frame."""

    truth: posetrack.Sequence
    results: list[FrameResult]
    hidden: int

    def bare(self) -> Watched:
        """The same without pictures, which would fill the memory."""
        bare = [replace(r, frame=replace(r.frame, image=_NO_IMAGE)) for r in self.results]
        return replace(self, results=bare)


def watch_clip(clip: Clip, pipeline: Pipeline) -> Watched:
    pairs = list(clip.scene)
    truths = [people for _, people in pairs]
    results = list(pipeline(frame for frame, _ in pairs))
    truth = sequence(clip.name, clip.scene.size, truths)
    return Watched(truth, results, sum(fully_hidden(truths).values()))


def watch_annotated(file: Path, pipeline: Pipeline) -> Watched:
    """A PoseTrack18 file's video; who is annotated in some frames only was hidden in the others."""
    truth = posetrack.read(file)
    folder = (file.parent.parent / truth.frames[0].frame_name).parent
    with timed(open_source(str(folder)), None) as source:
        results = list(pipeline(source))
    seen: dict[int, list[int]] = {}
    for index, frame in enumerate(truth.frames):
        for person in frame.people:
            seen.setdefault(person.track, []).append(index)
    return Watched(truth, results, sum(at[-1] - at[0] + 1 - len(at) for at in seen.values()))


def predicted(watched: Watched, skeleton: Skeleton) -> FlatSequence:
    """The results as PoseTrack18 has them, on the truth's frames."""
    frames = []
    for annotated, result in zip(watched.truth.frames, watched.results, strict=True):
        people = tuple(
            Person.of(skeleton.convert(pose, POSETRACK_17), track=pose.track or 0)
            for pose in result.poses
        )
        frames.append(Annotated(annotated.frame_name, people, annotated.id))
    return flat(posetrack.Sequence(watched.truth.name, tuple(frames)))


def people_events(watched: Watched) -> motmetrics.MOTAccumulator:
    """Whose box is whose."""
    events = motmetrics.MOTAccumulator()
    pairs = zip(watched.truth.frames, watched.results, strict=True)
    for index, (annotated, result) in enumerate(pairs):
        people = [person for person in annotated.people if person.box is not None]
        boxes = [person.box for person in people if person.box is not None]
        far = 1 - iou_matrix(boxes, [pose.box for pose in result.poses]).astype(np.float64)
        events.update(
            [person.track for person in people],
            [pose.track for pose in result.poses],
            np.where(far <= 1 - LEAST_IOU, far, np.nan),
            frameid=index,
        )
    return events


def changes(events: motmetrics.MOTAccumulator) -> list[Switch]:
    found: list[Switch] = []
    last: dict[int, int] = {}
    for (frame, _), event in events.mot_events.iterrows():
        if event.Type == "SWITCH":
            found.append(Switch(frame, int(event.OId), last[event.OId], int(event.HId)))
        if event.Type in ("MATCH", "SWITCH"):
            last[event.OId] = int(event.HId)
    return found


def figures(watched: Sequence[Watched], skeleton: Skeleton) -> list[Followed]:
    """One row per clip, and one of all of them together."""
    events = [people_events(each) for each in watched]
    names = [each.truth.name for each in watched]
    counts = motmetrics.metrics.create().compute_many(
        events, metrics=list(COUNTS.values()), names=names, generate_overall=True
    )
    scores = evaluate_sequences(
        [(flat(each.truth), predicted(each, skeleton)) for each in watched], metrics=METRICS
    )
    rows = []
    for name in (*names, "OVERALL"):
        own = scores if name == "OVERALL" else scores.sequences[name]
        chosen = [w for w in watched if name in ("OVERALL", w.truth.name)]
        rows.append(
            Followed(
                name=f"all {len(watched)}" if name == "OVERALL" else name,
                frames=sum(len(w.results) for w in chosen),
                hidden=sum(w.hidden for w in chosen),
                **_totals(own),
                **{ours: int(counts[theirs][name]) for ours, theirs in COUNTS.items()},
                changes=[] if name == "OVERALL" else changes(events[names.index(name)]),
            )
        )
    return rows if len(watched) > 1 else rows[:1]


def _totals(scores: Scores | SequenceScores) -> dict[str, float]:
    places = {"mota": ("mot", "mota"), "hota": ("hota", "HOTA"), "idf1": ("idf1", "idf1")}
    return {name: scores.families[family][key].total for name, (family, key) in places.items()}


def table(rows: Iterable[Followed]) -> str:
    """Markdown."""
    heads = ("clip", "frames", "hidden", "MOTA", "HOTA", "IDF1", "people", "switches", "misses")
    lines = [f"| {' | '.join((*heads, 'false positives', 'fragmentations'))} |", "|---" * 11 + "|"]
    for r in rows:
        scores = f"{r.mota:.1f} | {r.hota:.1f} | {r.idf1:.1f}"
        counts = (
            f"{r.people} | {r.switches} | {r.misses} | {r.false_positives} | {r.fragmentations}"
        )
        lines.append(f"| {r.name} | {r.frames} | {r.hidden} | {scores} | {counts} |")
    return "\n".join(lines)


def verdict(rows: Sequence[Followed]) -> str:
    open_clips = [row for row in rows if not row.hidden and not row.name.startswith("all ")]
    bad = [f"{row.name} ({row.switches})" for row in open_clips if row.switches]
    held = "met" if not bad else "NOT met on " + ", ".join(bad)
    return f"no identity switch on the {len(open_clips)} clips without full occlusion: {held}"


def draw_switches(watched: Watched, skeleton: Skeleton, folder: Path) -> None:
    """The frames about each switch, side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    for change in changes(people_events(watched)):
        near = [change.frame + step for step in AROUND]
        shown = [watched.results[i] for i in near if 0 <= i < len(watched.results)]
        drawn = [overlay.draw(r.frame.image, r, skeleton, least_score=0.2) for r in shown]
        strip = np.hstack([cv2.cvtColor(image, cv2.COLOR_RGB2BGR) for image in drawn])
        name = f"{watched.truth.name}-{change.frame:03d}-person{change.person}.jpg"
        cv2.imwrite(str(folder / name), strip)


def watch(options: argparse.Namespace, pipeline: Pipeline) -> dict[str, list[Watched]]:
    """Every clip of every set, without its pictures."""
    drawn = clips(options.clips, TUNED if options.tuned else REPORTED) if options.clips else []
    works = [("drawn", partial(watch_clip, clip, pipeline)) for clip in drawn]
    if options.media is not None and not options.tuned:
        works.append(("bonn", partial(watch_annotated, options.media / BONN, pipeline)))
    sets: dict[str, list[Watched]] = {}
    for name, work in works:
        watched = work()
        print(f"{watched.truth.name}: {len(watched.results)} frames", flush=True)
        if options.write is not None:
            draw_switches(watched, pipeline.skeleton, options.write)
        sets.setdefault(name, []).append(watched.bare())
    return sets


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=media, nargs="?", help="Left out: drawn clips only.")
    parser.add_argument("--weights", type=Path, default=zoo.BUNDLED)
    parser.add_argument("--clips", type=int, default=COUNT)
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    chosen = TrackSettings(family=options.weights, device="cpu", threads=options.threads)
    pipeline, _ = build.pipeline(chosen, build.wanted(chosen), no_clock)
    sets = watch(options, pipeline)
    rows = {name: figures(watched, pipeline.skeleton) for name, watched in sets.items()}
    every = [row for found in rows.values() for row in found]
    print("", table(every), verdict(every), sep="\n\n")
    for row in every:
        for change in row.changes:
            print(f"{row.name}: {change}")
    if options.json:
        figures_of = {name: [asdict(row) for row in found] for name, found in rows.items()}
        told = {**figures_of, "verdict": verdict(every), "table": table(every)}
        write(options.json, {"tracking": told}, options.weights)


if __name__ == "__main__":
    main()
