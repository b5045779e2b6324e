"""The published formulas, on maps small enough to reckon by hand."""

from dataclasses import replace

import numpy as np
import pytest

from data.crop import Crop
from data.errors import ConfigError
from data.heatmaps import Heatmaps
from data.pose import Box
from pipelines.fusion import NUMBERS, Between, create, named, names
from pipelines.memory import Remembered

# Equal rasters for fast and slow maps: what is tested is the formula.
NOW = Crop.around(Box(10, 10, 40, 50), (6, 8), 1.25)
BEFORE = Crop.around(Box(12, 11, 44, 52), (6, 8), 1.25)
KEYED = Crop.around(Box(0, 0, 90, 130), (6, 8), 1.25)


def maps(seed, crop):
    return Heatmaps(np.random.default_rng(seed).random((3, 8, 6), np.float32), crop)


P, S, KEY, ANSWER = maps(1, NOW), maps(2, BEFORE), maps(3, KEYED), maps(4, BEFORE)


class Halfway:
    """A transfer with a formula: T(x, y) = (x + 2 y) / 4. Remembers how many it was given."""

    def __init__(self):
        self.calls = []

    def __call__(self, current, reference):
        self.calls.append(len(current))
        assert all(c.crop == r.crop for c, r in zip(current, reference, strict=True))
        return [replace(c, maps=t(c.maps, r.maps)) for c, r in zip(current, reference, strict=True)]


def t(current, reference):
    return (current + 2 * reference) / 4


def light(current, reference):
    return [replace(c, maps=c.maps - r.maps) for c, r in zip(current, reference, strict=True)]


def person(age=3, carried=None):
    past = Remembered(KEY, key_index=0, fused=ANSWER, index=age - 1, previous=S, carried=carried)
    return Between(P, NOW, past, age)


def fuse(name, *people, transfer=None):
    fusion = create(
        name,
        interval=16,
        resampling="nearest",
        transfer=transfer or Halfway(),
        light_transfer=light,
    )
    return [fused.answer.maps for fused in fusion(people)]


TWO = (t(P.maps, KEY.maps) + P.maps) / 2
MERGED = (t(S.maps, KEY.maps) + S.maps) / 2
THREE = (t(P.maps, MERGED) + P.maps + t(P.maps, KEY.maps)) / 3
LIGHT = ((P.maps - S.maps) + P.maps + t(P.maps, KEY.maps)) / 3


@pytest.mark.parametrize(
    ("name", "age", "expected"),
    [
        ("fast-only", 3, P.maps),
        ("two-maps", 12, TWO),
        ("three-maps", 7, TWO),
        ("three-maps", 8, THREE),
        ("three-maps-light", 7, TWO),
        ("three-maps-light", 8, LIGHT),
        ("previous-only", 12, (t(P.maps, S.maps) + P.maps) / 2),
        ("recursive", 0, KEY.maps),
        ("recursive", 1, TWO),
        ("recursive", 2, (t(P.maps, ANSWER.maps) + P.maps + t(P.maps, KEY.maps)) / 3),
    ],
)
def test_each_name_is_its_formula(name, age, expected):
    (answer,) = fuse(name, person(age))

    np.testing.assert_allclose(answer, expected, atol=1e-6)


@pytest.mark.parametrize("name", names())
def test_a_batch_is_every_person_alone(name):
    people = [person(age) for age in (0, 1, 7, 8, 15, 4)]

    together = fuse(name, *people)

    for one, answer in zip(people, together, strict=True):
        np.testing.assert_array_equal(fuse(name, one)[0], answer)


def spots(*cells, crop=NOW, height=0.9):
    """Maps of 48 rows, low everywhere but in a cell (x, y) of each."""
    drawn = np.full((len(cells), 48, 36), 0.01, np.float32)
    for keypoint, (x, y) in enumerate(cells):
        drawn[keypoint, y, x] = height
    return Heatmaps(drawn, crop.sized((36, 48)))


def gate(key, now, transfer):
    """What the gated fusion makes of somebody whose keyframe had such maps."""
    past = Remembered(key, key_index=0, fused=key, index=2)
    fusion = create("gated", interval=16, resampling="nearest", transfer=transfer)
    return fusion([Between(now, now.crop, past, 3)])[0]


BODY = [(10, 10), (20, 12), (15, 30)]


@pytest.mark.parametrize(
    ("moved", "carried"),
    [
        ([(10, 10), (20, 12), (15, 30)], True),
        ([(12, 10), (20, 14), (17, 30)], True),  # 2 of 48 rows: less than 3 of 64
        ([(13, 10), (20, 15), (18, 30)], False),  # 3 of 48: more
        ([(35, 40), (20, 12), (15, 30)], True),  # the median's: one of three may be anywhere
    ],
)
def test_a_keyframe_is_merged_only_while_it_shows_the_pose(moved, carried):
    # The keyframe's box lies elsewhere: keypoints are compared within the boxes.
    key, now, transfer = spots(*BODY, crop=KEYED), spots(*moved), Halfway()

    fused = gate(key, now, transfer)

    expected = (t(now.maps, key.maps) + now.maps) / 2 if carried else now.maps
    np.testing.assert_allclose(fused.answer.maps, expected, atol=1e-6)
    assert (fused.answer.crop, fused.origin) == (now.crop, "fused" if carried else "fast")
    assert transfer.calls == ([1] if carried else [])


def test_keypoints_that_are_not_seen_do_not_say_how_a_person_moved():
    key, now = spots(*BODY), spots(*BODY)
    now.maps[:2] = spots((30, 40), (30, 40), (0, 0), height=0.1).maps[:2]

    assert gate(key, now, Halfway()).origin == "fused"


def test_who_shows_no_keypoint_in_both_is_read_by_the_fast_net_alone():
    assert gate(spots(*BODY), spots(*BODY, height=0.1), Halfway()).origin == "fast"


def test_maps_are_compared_on_the_slow_nets_scale():
    """A fast net's ideal has a low peak; its keypoints are seen where that is divided out."""
    fusion = create("gated", interval=16, resampling="nearest", transfer=Halfway(), fast_peak=0.25)
    key, now = spots(*BODY), spots(*BODY, height=0.15)
    past = Remembered(key, key_index=0, fused=key, index=2)

    (fused,) = fusion([Between(now, now.crop, past, 3)])

    moved = t(now.maps, key.maps)
    np.testing.assert_allclose(fused.answer.maps, (moved + now.maps / 0.25) / 2, atol=1e-6)


def test_the_gated_fusion_asks_the_transfer_net_once_for_those_who_stay():
    transfer = Halfway()
    fusion = create("gated", interval=16, resampling="nearest", transfer=transfer)
    still, gone = spots(*BODY), spots((30, 40), (2, 40), (30, 2))
    past = Remembered(still, key_index=0, fused=still, index=2)
    people = [Between(now, now.crop, past, 3) for now in (still, gone, still, gone)]

    assert [fused.origin for fused in fusion(people)] == ["fused", "fast"] * 2
    assert transfer.calls == [2]


CARRIED = replace(S, maps=t(S.maps, KEY.maps))  # T(S, I), as the frame before left it


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("fast-only", []),
        ("two-maps", [5]),
        ("three-maps", [7]),
        ("three-maps-light", [5]),
        ("previous-only", [5]),
        ("recursive", [7]),
    ],
)
def test_a_frame_is_one_call_of_the_transfer_net_for_all_people(name, pairs):
    """Pairs per call: of people 0, 1, 2, 8 and 9 frames after their keyframes."""
    transfer = Halfway()

    fuse(name, *(person(age, CARRIED) for age in (0, 1, 2, 8, 9)), transfer=transfer)

    assert transfer.calls == pairs


def test_the_light_net_is_called_once_for_the_late_alone():
    own, transfer = Halfway(), Halfway()
    fusion = create(
        "three-maps-light",
        interval=16,
        resampling="nearest",
        transfer=transfer,
        light_transfer=own,
    )

    fusion([person(age) for age in (1, 2, 8, 9)])

    assert (transfer.calls, own.calls) == ([4], [2])


def test_what_the_frame_before_carried_is_not_reckoned_again():
    transfer = Halfway()

    known = fuse("three-maps", person(8, CARRIED), transfer=transfer)
    assert transfer.calls == [2]
    unknown = fuse("three-maps", person(8), transfer=transfer)

    assert transfer.calls == [2, 1, 2]
    np.testing.assert_array_equal(known, unknown)


def test_the_keyframe_carried_to_the_present_frame_is_left_for_the_next():
    fusion = create("three-maps", interval=16, resampling="nearest", transfer=Halfway())

    (early,), (late,) = fusion([person(3)]), fusion([person(9, CARRIED)])

    assert fusion.needs_carried
    for fused in (early, late):
        assert fused.carried.crop == NOW
        np.testing.assert_array_equal(fused.carried.maps, t(P.maps, KEY.maps))


@pytest.mark.parametrize("age", [1, 4, 12])
@pytest.mark.parametrize("name", names())
def test_with_the_fast_nets_peak_every_ideal_answer_has_the_slow_nets(name, age):
    """Ideal peaks: 1 of slow and answered maps, 0.3 of fast ones; a transfer keeps its own."""

    def carry(current, reference):
        return [replace(r, crop=c.crop) for c, r in zip(current, reference, strict=True)]

    slow, fast = (Heatmaps(np.full((3, 8, 6), v, np.float32), NOW) for v in (1.0, 0.3))
    fusion = create(
        name,
        interval=16,
        resampling="nearest",
        transfer=carry,
        light_transfer=carry,
        fast_peak=0.3,
    )

    (fused,) = fusion([Between(fast, NOW, Remembered(slow, 0, slow, age - 1, fast, slow), age)])

    np.testing.assert_allclose(fused.answer.maps, 1.0, atol=1e-6)


def test_published_numbers_are_names():
    numbers = ("0", "1", "2", "4", "5", "inherit")
    assert {named(number) for number in numbers} == set(names()) - {"gated"}
    assert set(NUMBERS.values()) == set(names()) - {"gated"}
    assert named("two-maps") == "two-maps"


@pytest.mark.parametrize("name", names())
def test_answers_lie_on_the_slow_crop(name):
    fusion = create(
        name, interval=16, resampling="smooth", transfer=Halfway(), light_transfer=light
    )
    large = Crop.around(Box(10, 10, 40, 50), (12, 16), 1.25)
    past = Remembered(
        key=Heatmaps(np.ones((3, 16, 12), np.float32), KEYED.sized((12, 16))),
        key_index=0,
        fused=Heatmaps(np.ones((3, 16, 12), np.float32), BEFORE.sized((12, 16))),
        index=8,
        previous=S,
    )

    (fused,) = fusion([Between(P, large, past, 9)])

    assert fused.answer.crop == large
    assert fused.answer.maps.shape == (3, 16, 12)


@pytest.mark.parametrize("name", ["three-maps", "three-maps-light", "previous-only"])
def test_what_needs_the_previous_maps_says_so(name):
    forgotten = replace(person(9), past=replace(person(9).past, previous=None))

    with pytest.raises(ValueError, match="previous"):
        fuse(name, forgotten)


def test_nobody_costs_no_call():
    transfer = Halfway()

    for name in names():
        assert fuse(name, transfer=transfer) == []

    assert transfer.calls == []


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(ConfigError, match="did you mean 'three-maps'"):
        create("three-map", interval=16, resampling="nearest")


def test_a_missing_transfer_net_is_named():
    with pytest.raises(ConfigError, match="'two-maps' needs a transfer net"):
        create("two-maps", interval=16, resampling="nearest")
    with pytest.raises(ConfigError, match="own space"):
        create("three-maps-light", interval=16, resampling="nearest", transfer=Halfway())
