"""The whole evaluation: rules for odd files, and what scores do not depend on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import AnnotationError
from data.evaluation_files import parse, read
from data.flat_sequence import flat
from data.posetrack import read as read_posetrack
from pipelines.evaluation.posetrack import METRICS, evaluate, evaluate_sequences
from pipelines.evaluation.scores import Scores

Document = dict[str, Any]
Build = Callable[..., Document]
SetOf = Callable[..., tuple[Path, Path]]


@pytest.fixture
def walk(person18: Build, video18: Build) -> Callable[..., Document]:
    """Two people over three frames; `shift` moves them, `tracks` says what they are called."""

    def make(shift: float = 0.0, tracks: tuple[int, int] = (1, 2)) -> Document:
        people = [
            person18(frame, track, 50 + 100 * place + shift)
            for frame in range(3)
            for place, track in enumerate(tracks)
        ]
        return video18(3, people)

    return make


def values(scores: Scores) -> dict[str, list[float]]:
    """Every number of the set and its sequences."""
    parts = {"set": scores.families} | {n: one.families for n, one in scores.sequences.items()}
    return {
        f"{part} {family} {name}": metric.values.tolist()
        for part, families in parts.items()
        for family, metrics in families.items()
        for name, metric in metrics.items()
    }


def assert_same(one: Scores, other: Scores) -> None:
    assert values(one).keys() == values(other).keys()
    for name, numbers in values(one).items():
        np.testing.assert_array_equal(numbers, values(other)[name], err_msg=name)
    assert one.notes == other.notes


def test_a_perfect_prediction_has_100_in_everything(walk: Build, set_of: SetOf) -> None:
    scores = evaluate(*set_of({"v": walk()}, {"v": walk()}), metrics=METRICS)

    for family, name in (
        ("ap", "ap"),
        ("mot", "mota"),
        ("mot", "motp"),
        ("idf1", "idf1"),
        ("hota", "HOTA"),
    ):
        np.testing.assert_allclose(scores.families[family][name].values, 100)
    assert scores.frames == 3


def test_scores_depend_neither_on_processes_nor_on_the_order_of_files(
    walk: Build, set_of: SetOf
) -> None:
    names = ["c", "a", "d", "b", "e"]
    drawn = {name: (walk(), walk(2.0 * place, (place, 9))) for place, name in enumerate(names)}
    folders = set_of({n: t for n, (t, _) in drawn.items()}, {n: p for n, (_, p) in drawn.items()})
    sequences = [(read(folders[0] / f"{n}.json"), read(folders[1] / f"{n}.json")) for n in names]
    heard: list[int] = []

    alone = evaluate(*folders, metrics=METRICS)
    together = evaluate(*folders, metrics=METRICS, processes=3, tell=heard.append)

    assert_same(alone, together)
    assert heard[-1] == 5
    assert heard == sorted(heard)
    for order in (sequences, sequences[::-1]):
        assert_same(alone, evaluate_sequences(order, metrics=METRICS))


def test_the_first_fault_is_told_whatever_the_number_of_processes(
    walk: Build, set_of: SetOf
) -> None:
    truth = {name: walk() for name in "abcd"}
    folders = set_of(truth, {"a": walk(), "b": "{", "c": "[]", "d": "nothing"})

    for processes in (1, 2):
        with pytest.raises(AnnotationError, match=r"b\.json: expected JSON"):
            evaluate(*folders, processes=processes)


def test_sequences_of_data_posetrack_have_the_same_scores(walk: Build, set_of: SetOf) -> None:
    folders = set_of({"v": walk()}, {"v": walk(3.0, (5, 6))})
    pair = [flat(read_posetrack(folder / "v.json")) for folder in folders]

    assert_same(
        evaluate(*folders, metrics=METRICS), evaluate_sequences([tuple(pair)], metrics=METRICS)
    )


def test_annolist_predictions_in_memory_are_scored(walk: Build, video17: Build) -> None:
    truth = parse(walk(), "truth", "v")
    predicted = parse(video17(3, [7], x=50.0), "predictions", "v")

    scores = evaluate_sequences([(truth, predicted)])

    assert scores.families["ap"]["rec"].values[12:15].tolist() == [50.0] * 3  # of two people


def test_files_of_both_formats_are_mixed(walk: Build, video17: Build, set_of: SetOf) -> None:
    truth = {"new": walk(), "old": video17(2, [1])}
    predictions = {"new": video17(3, [4], x=50.0), "old": video17(2, [1])}

    scores = evaluate(*set_of(truth, predictions), metrics=METRICS)

    assert scores.frames == 5
    assert scores.sequences["old"].families["ap"]["ap"].values[13] == 100


def test_each_oddity_put_right_tells_what_it_changed(walk: Build, set_of: SetOf) -> None:
    predictions = walk(3.0)
    predictions["annotations"] = [a for a in predictions["annotations"] if a["image_id"] != 1]

    scores = evaluate(*set_of({"v": walk()}, {"v": predictions}))

    wrong = [(2, 3), (2, 5), (2, 6), (2, 6)]  # two people a frame; nobody predicted on the second
    states = [scores.corrections[0].before, *(step.after for step in scores.corrections)]
    for state, (misses, objects) in zip(states, wrong, strict=True):
        np.testing.assert_allclose(state["mota"].total, 100 * (1 - misses / objects))
    assert scores.corrections[-1].before["motp"].total < scores.corrections[-1].after["motp"].total
    assert scores.families["mot"]["mota"].total == states[-1]["mota"].total
    assert scores.families["official_mot"]["mota"].total == states[0]["mota"].total


def test_a_switch_is_told_with_its_frame(walk: Build, set_of: SetOf) -> None:
    predictions = walk()
    for person in predictions["annotations"]:
        if person["image_id"] == 2:
            person["track_id"] += 10

    scores = evaluate(*set_of({"v": walk()}, {"v": predictions}))

    rows = scores.sequences["v"].switches
    assert len(rows) == 2 * 15
    assert {tuple(row) for row in rows[:, [0, 2, 3, 4]].tolist()} == {(2, 1, 1, 11), (2, 2, 2, 12)}


def test_every_nan_has_its_reason(person18: Build, video18: Build, set_of: SetOf) -> None:
    blind = [0.0] * 51
    headless = [0 if k < 9 else v for k, v in enumerate(person18(0, 1, 50)["keypoints"])]
    truth = video18(2, [person18(f, 1, 50, keypoints=headless) for f in range(2)])
    predictions = video18(2, [person18(f, 1, 50, keypoints=blind) for f in range(2)])

    scores = evaluate(*set_of({"v": truth}, {"v": predictions}), metrics=METRICS)

    reasons = scores.families["mot"]["mota"].reasons
    assert set(reasons) == {12, 13, 14}
    assert set(reasons.values()) == {"never annotated"}
    assert scores.families["mot"]["pre"].reasons[15] == "every keypoint is never predicted"


def test_one_compared_frame_is_scored_but_not_officially(
    person18: Build, video18: Build, walk: Build, set_of: SetOf
) -> None:
    one = video18(3, [person18(1, 1, 50)])
    folders = set_of({"one": one, "v": walk()}, {"one": one, "v": walk()})

    scores = evaluate(*folders)

    families = scores.sequences["one"].families
    assert families["mot"]["mota"].total == 100
    assert "only in the last frame" in families["official_mot"]["mota"].reasons[15]
    assert not scores.families["official_mot"]["mota"].reasons
    assert any(note.startswith("one: one compared frame") for note in scores.notes)


def test_an_unlabelled_sequence_is_left_out_with_a_note(
    walk: Build, video18: Build, set_of: SetOf
) -> None:
    bare = video18(2, [])

    scores = evaluate(*set_of({"bare": bare, "v": walk()}, {"bare": bare, "v": walk()}))

    assert set(scores.sequences) == {"v"}
    assert "bare: left out, for nobody is annotated." in scores.notes
    with pytest.raises(AnnotationError, match="None of the 1 sequences has an annotated person"):
        evaluate_sequences([(parse(bare, "t", "bare"), parse(bare, "p", "bare"))])


def test_a_frame_whose_people_are_all_ignored_stays_and_its_predictions_are_wrong(
    walk: Build, person18: Build, set_of: SetOf
) -> None:
    truth = walk()
    region = {"ignore_regions_x": [[0, 300, 300, 0]], "ignore_regions_y": [[0, 0, 300, 300]]}
    truth["images"][0].update(region)
    predictions = walk()
    predictions["annotations"][0] = person18(0, 1, 400)

    found = evaluate(*set_of({"v": truth}, {"v": predictions})).families["ap"]

    assert found["rec"].total == 100
    np.testing.assert_allclose(found["pre"].values, 100 * 4 / 5)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda p: p["annotations"][1].pop("track_id"),
            r"frame .*/000000\.jpg: a person has no track_id",
        ),
        (
            lambda p: p["annotations"][1].update(track_id=1),
            r"000000\.jpg: the track id 1 occurs twice",
        ),
        (
            lambda p: p["annotations"][4].update(track_id=10_000),
            "expected track ids below 10000, found 10000",
        ),
        (lambda p: p["images"].append({"id": 9}), "lists 4 frames, the truth has 3"),
        (lambda p: p["images"][1].update(id=7), "is not the id of an image"),
    ],
    ids=["no track", "same track", "high track", "more frames", "no such image"],
)
def test_faulty_predictions_are_told(
    damage: Callable[[Document], None], message: str, walk: Build, set_of: SetOf
) -> None:
    predictions = walk()
    damage(predictions)

    with pytest.raises(AnnotationError, match=message):
        evaluate(*set_of({"v": walk()}, {"v": predictions}))


def test_frames_with_other_ids_are_told(video18: Build, walk: Build, set_of: SetOf) -> None:
    predictions = video18(3, [])
    predictions["images"][1:] = predictions["images"][:0:-1]

    with pytest.raises(AnnotationError, match=r"images\[1\]\.id: found 2, the truth has 1 there"):
        evaluate(*set_of({"v": walk()}, {"v": predictions}))


def test_an_annotated_person_without_a_head_box_is_told(walk: Build, set_of: SetOf) -> None:
    truth = walk()
    del truth["annotations"][2]["bbox_head"]

    with pytest.raises(AnnotationError, match=r"truth.v\.json: frame .*000001\.jpg: .*no head box"):
        evaluate(*set_of({"v": truth}, {"v": walk()}))


def test_ap_alone_needs_no_tracks_but_tells_of_double_ones(walk: Build, set_of: SetOf) -> None:
    predictions = walk(tracks=(1, 1))
    del predictions["annotations"][5]["track_id"]

    scores = evaluate(*set_of({"v": walk()}, {"v": predictions}), metrics=("ap",))

    assert scores.families["ap"]["ap"].total == 100
    assert set(scores.families) == {"ap"}
    assert ["for AP it does not matter" in note for note in scores.notes] == [True]


def test_missing_scores_are_told_once_and_ranked_last(walk: Build, set_of: SetOf) -> None:
    predictions = walk()
    for person in predictions["annotations"]:
        person["scores"] = []

    scores = evaluate(*set_of({n: walk() for n in "abcde"}, dict.fromkeys("abcde", predictions)))

    (note,) = scores.notes
    assert note.count(".json") == 3
    assert "and 2 more: keypoints without a score, which are ranked last (-9999)." in note


def test_a_track_twice_in_a_frame_of_the_truth_is_taken_as_officially(
    walk: Build, set_of: SetOf
) -> None:
    folders = set_of({"v": walk(tracks=(1, 1))}, {"v": walk()})

    scores = evaluate(*folders)

    assert ["MOTA counts on" in note for note in scores.notes] == [True]
    with pytest.raises(AnnotationError, match="HOTA needs ids that are unique"):
        evaluate(*folders, metrics=("hota",))


def test_an_unknown_metric_is_the_callers_mistake(walk: Build) -> None:
    video = parse(walk(), "v", "v")

    with pytest.raises(ValueError, match="unknown metrics"):
        evaluate_sequences([(video, video)], metrics=("pck",))
