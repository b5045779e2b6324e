"""The benchmarks' own counting: what is hidden, what fusions cost, who switched, who was found."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from clips import REPORTED, TUNED, clips, fully_hidden
from coco_ap import Answer, average_precision
from failures import MOST_BYTES, save
from finding import Finds, recall_at
from intervals import interval
from seen import Seen, tracks_of
from tracking import Followed, Watched, changes, people_events, verdict
from ways import transfers_in

from data.frame import Frame, FrameResult
from data.pose import Box, Pose
from data.posetrack import Annotated, Person, Sequence
from data.synthetic.scene import Truth
from pipelines import fusion

IMAGE = np.zeros((90, 160, 3), np.uint8)
BOX = Box(20, 10, 60, 80)


def truth(track, left=20.0):
    points = np.arange(38, dtype=np.float32).reshape(19, 2)
    seen = np.full(19, 2)
    box = Box(left, 10, left + 40, 80)
    return Truth(points, seen, box, Box(0, 0, 1, 1), track, 1.0)


def test_clips_for_choosing_and_for_figures_have_no_seed_in_common():
    reported, tuned = clips(20, REPORTED), clips(20, TUNED)

    assert not {c.scene.seed for c in reported} & {c.scene.seed for c in tuned}
    assert [c.name for c in reported][:4] == ["00-crossing", "01-passing", "02-things", "03-quick"]


def test_who_is_not_annotated_for_a_while_was_fully_hidden():
    shots = [[truth(1), truth(2)], [truth(1)], [truth(1)], [truth(1), truth(2)], [truth(2)]]

    assert fully_hidden(shots) == {2: 2}


def test_hidden_keypoints_are_known_but_not_judged():
    flags = np.full(19, 2)
    flags[9] = 1
    shot = Frame(0, 0.0, IMAGE, "0"), (replace(truth(1), visibility=flags),)

    ((seen,),) = tracks_of([shot])

    far = seen.far(seen.keypoints[:, :2])
    assert np.isnan(far).sum() == 1
    assert np.nanmax(far) == 0


def test_somebody_without_a_torso_is_not_judged():
    seen = Seen(IMAGE, BOX, np.zeros((19, 3), np.float32), counts=1)

    assert len(seen.far(np.zeros((19, 2), np.float32))) == 0


@pytest.mark.parametrize(
    ("name", "calls"),
    [("two-maps", 15), ("previous-only", 15), ("three-maps", 23), ("recursive", 29)],
)
def test_a_fusion_carries_maps_as_often_as_its_formula_says(name, calls):
    make = partial(_fusion, name)

    assert transfers_in(make, 16) == calls


def _fusion(name, transfer):
    return fusion.create(name, interval=16, resampling="smooth", transfer=transfer)


def test_an_interval_holds_the_figure_and_is_the_same_again():
    values = np.random.default_rng(1).random(50)

    def mean(rows):
        return float(values[rows].mean())

    low, high = interval(mean, 50)
    assert low < values.mean() < high
    assert (low, high) == interval(mean, 50)


def test_perfect_answers_have_an_average_precision_of_one(tmp_path):
    points = np.random.default_rng(0).random((17, 2)) * 50 + 10
    person = {
        "id": 1,
        "image_id": 5,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": 17,
        "bbox": [10, 10, 50, 50],
        "area": 2500.0,
        "keypoints": np.column_stack([points, np.full(17, 2)]).ravel().tolist(),
    }
    categories = [{"id": 1, "name": "person"}]
    content = {"images": [{"id": 5}], "annotations": [person], "categories": categories}
    file = tmp_path / "truth.json"
    file.write_text(json.dumps(content))

    right = average_precision(file, [Answer(5, points.astype(np.float32), np.ones(17, np.float32))])
    wrong = average_precision(file, [Answer(5, np.zeros((17, 2), np.float32), np.ones(17))])

    assert right.ap == pytest.approx(1.0)
    assert wrong.ap == 0


def test_recall_counts_only_what_comes_before_the_allowed_false_boxes():
    scores = np.array([0.9, 0.8, 0.7, 0.6], np.float32)
    found = [Finds(scores, [True, False, True, False], wanted=4)]

    assert recall_at(found, 0)[0] == 0.25
    assert recall_at(found, 1) == (0.5, pytest.approx(0.7))


def watched(numbers):
    """One annotated person who gets these track numbers, frame after frame."""
    person = Person(np.ones((17, 2)), np.ones(17), 7, box=BOX)
    frames = tuple(Annotated(f"images/a/{i}.jpg", (person,), i) for i in range(len(numbers)))
    results = []
    for index, number in enumerate(numbers):
        pose = Pose(np.ones((19, 2), np.float32), np.ones(19, np.float32), BOX, 1.0, number)
        shown = () if number is None else (pose,)
        results.append(
            FrameResult(Frame(index, 0.0, IMAGE, ""), shown, False, ("fast",) * len(shown))
        )
    return Watched(Sequence("a", frames), results, 0)


def test_a_person_whose_number_changes_has_switched():
    (switch,) = changes(people_events(watched([1, 1, None, 2, 2])))

    assert (switch.frame, switch.person, switch.before, switch.after) == (3, 7, 1, 2)


def test_a_person_who_is_missed_for_a_while_has_not_switched():
    assert changes(people_events(watched([1, None, None, 1]))) == []


@pytest.mark.parametrize(
    ("hidden", "switches", "said"), [(0, 0, "met"), (0, 2, "NOT met on a (2)"), (3, 2, "met")]
)
def test_a_switch_breaks_the_promise_only_where_nobody_was_fully_hidden(hidden, switches, said):
    row = Followed("a", 9, hidden, 1.0, 1.0, 1.0, 9, switches, 0, 0, 0)

    assert verdict([row]).endswith(f": {said}")


def test_a_picture_of_failures_is_small(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (480, 720, 3)).astype(np.uint8)

    save(tmp_path / "slow.jpg", noise)

    assert (tmp_path / "slow.jpg").stat().st_size <= MOST_BYTES
