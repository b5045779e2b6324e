"""The published formulas, on maps small enough to reckon by hand."""

from dataclasses import replace

import numpy as np
import pytest

from data.crop import Crop
from data.errors import ConfigError
from data.heatmaps import Heatmaps
from data.pose import Box
from pipelines.fusion import Between, create, names
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


def person(age=3):
    past = Remembered(key=KEY, key_index=0, fused=ANSWER, index=age - 1, previous=S)
    return Between(P, NOW, past, age)


def fuse(name, *people, transfer=None):
    fusion = create(
        name,
        interval=16,
        resampling="nearest",
        transfer=transfer or Halfway(),
        light_transfer=light,
    )
    return [maps.maps for maps in fusion(people)]


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


@pytest.mark.parametrize(
    ("name", "calls"),
    [("two-maps", [4]), ("three-maps", [6, 2]), ("three-maps-light", [4]), ("recursive", [7])],
)
def test_all_people_share_a_call_of_the_transfer_net(name, calls):
    transfer = Halfway()

    fuse(name, *(person(age) for age in (1, 2, 8, 9)), transfer=transfer)

    assert transfer.calls == calls


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

    (answer,) = fusion([Between(P, large, past, 9)])

    assert answer.crop == large
    assert answer.maps.shape == (3, 16, 12)


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
