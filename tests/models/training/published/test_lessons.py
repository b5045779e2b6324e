"""What the three networks are shown and taught."""

import numpy as np
import pytest
import torch

from data.errors import SourceError, StoreError
from data.heatmap_file import HeatmapFile
from models.decode import peaks
from models.networks.mobilenet import MobileNet
from models.networks.transfer import TransferNet
from models.training.published.augment import NONE, Augmentation
from models.training.published.lessons import Crops, SoftCrops, sigma_of
from models.training.published.pairs import StoredPairs

SIZE = (96, 128)


@pytest.fixture
def crops(people, locate) -> Crops:
    return Crops(people, locate, SIZE, 2.0, NONE)


def stored_pairs(people, annotated, database, **changes) -> StoredPairs:
    nets = changes.pop("nets", ("slow", "fast"))
    given = {net: changes.pop(net, None) or database(net) for net in nets}
    asked = {"pairs": "fast-slow", "support_range": 5, "sigma": None, "slow": None, "fast": None}
    return StoredPairs(people, annotations=annotated.sha256, **(asked | given | changes))


def test_a_target_peaks_where_the_keypoint_lies_in_the_crop(crops, people, generator):
    made = crops.example(0, generator)

    joints = people[0].crop(SIZE).from_image(people[0].keypoints)
    cells, scores = peaks(made.target[None])
    known = made.weights > 0
    assert made.inputs[0].shape == (128, 96, 3)
    assert made.target.shape == (17, 32, 24)
    assert known.sum() >= 8
    np.testing.assert_array_equal(np.floor(joints[known] / 4 + 0.5), cells[0][known])
    np.testing.assert_array_equal(np.ones(known.sum()), scores[0][known])


def test_what_is_not_annotated_has_no_weight_and_no_map(people, locate):
    lesson = Crops(people, locate, SIZE, 2.0, Augmentation())

    for index in range(len(lesson)):
        made = lesson.example(index, np.random.default_rng(index))
        assert not made.weights[[3, 4]].any()
        assert not made.target[made.weights == 0].any()


def test_the_same_draws_make_the_same_example(people, locate):
    lesson = Crops(people, locate, SIZE, 2.0, Augmentation())
    one, same, other = (lesson.example(0, np.random.default_rng(seed)) for seed in (1, 1, 2))

    np.testing.assert_array_equal(one.inputs[0], same.inputs[0])
    assert not np.array_equal(one.inputs[0], other.inputs[0])


def test_the_fast_network_is_compared_after_its_soft_max(people, locate, generator):
    lesson = SoftCrops(people, locate, (64, 64), 2.0, NONE)
    images = lesson.example(0, generator).inputs[0][None]

    maps = lesson.answer(MobileNet(17, width=4).eval(), (images,), "cpu")

    assert maps.shape == (1, 17, 16, 16)
    torch.testing.assert_close(torch.ones(1, 17), maps.sum((2, 3)))


def test_an_image_that_cannot_be_read_is_told(people, tmp_path, generator):
    (tmp_path / "a.jpg").write_bytes(b"no image")
    lesson = Crops(people, lambda name: tmp_path / "a.jpg", SIZE, 2.0, NONE)

    with pytest.raises(SourceError, match=r"a\.jpg: cannot be read"):
        lesson.example(0, generator)


def test_large_crops_have_wider_gaussians():
    assert [sigma_of(size) for size in ((192, 256), (224, 224), (288, 384))] == [2, 2, 3]


def test_a_pair_is_the_fast_maps_redrawn_and_earlier_slow_maps(people, annotated, database):
    lesson = stored_pairs(people, annotated, database, support_range=1)

    made = lesson.example(0, np.random.default_rng(0))

    track = sorted((s for s in people if s.key.track == people[0].key.track), key=lambda s: s.key)
    with HeatmapFile.read(database("slow")) as slow, HeatmapFile.read(database("fast")) as fast:
        current = fast.get(track[1].key).on(slow.get(track[1].key).crop, smooth=False)
        np.testing.assert_array_equal(current.maps, made.inputs[0])
        np.testing.assert_array_equal(slow.get(track[0].key).maps, made.inputs[1])
    joints = track[1].crop(SIZE).from_image(track[1].keypoints)
    known = made.weights > 0
    cells = peaks(made.target[None])[0][0]
    np.testing.assert_array_equal(np.floor(joints[known] / 4 + 0.5), cells[known])


@pytest.mark.parametrize(("pairs", "shape"), [("fast", (17, 24, 24)), ("slow", (17, 32, 24))])
def test_pairs_of_one_network_stay_in_its_space(pairs, shape, people, annotated, database):
    lesson = stored_pairs(people, annotated, database, pairs=pairs, nets=(pairs,))

    made = lesson.example(0, np.random.default_rng(0))

    assert {made.inputs[0].shape, made.inputs[1].shape, made.target.shape} == {shape}


def test_first_frames_are_left_out(people, annotated, database):
    lesson = stored_pairs(people, annotated, database)
    tracks = {subject.key.track for subject in people}

    assert len(lesson) == len(people) - len(tracks)


@pytest.mark.parametrize(("wide", "expected"), [(1, {1}), (5, {1, 2, 3, 4, 5})])
def test_the_support_lies_at_most_the_range_back(wide, expected, people, annotated, database):
    lesson = stored_pairs(people, annotated, database, support_range=wide)
    track = sorted((s for s in people if s.key.track == people[0].key.track), key=lambda s: s.key)
    with HeatmapFile.read(database("slow")) as slow:
        maps = [slow.get(subject.key).maps for subject in track]
    rng, found = np.random.default_rng(0), set()

    for _ in range(60):  # of the last frame of that track, which has five before it
        support = lesson.example(4, rng).inputs[1]
        found.add(5 - next(i for i, one in enumerate(maps) if np.array_equal(one, support)))

    assert found == expected


def test_the_range_of_one_frame_does_not_bind_another(people, annotated, database):
    """As it does in the published programs, which then never look farther back than one."""
    lesson = stored_pairs(people, annotated, database)
    lesson.example(0, np.random.default_rng(0))  # the second frame: a range of 1

    drawn = {lesson.example(4, np.random.default_rng(s)).inputs[1].sum() for s in range(40)}

    assert len(drawn) == 5


def test_the_network_gets_current_and_support(people, annotated, database, generator):
    lesson = stored_pairs(people, annotated, database)
    inputs = tuple(one[None] for one in lesson.example(0, generator).inputs)
    untrained = TransferNet(keypoints=17, blocks=1, channels=4)

    maps = lesson.answer(untrained.eval(), inputs, "cpu")

    np.testing.assert_allclose(maps.detach().numpy(), inputs[1], atol=1e-6)


def test_who_is_not_stored_is_counted_and_left_out(people, annotated, database):
    slow = database("slow", without=3)

    lesson = stored_pairs(people, annotated, database, slow=slow)

    assert lesson.left_out == 3


def test_a_database_of_other_annotations_is_refused(people, annotated, database):
    slow = database("slow", annotations="1" * 64)

    with pytest.raises(StoreError, match=r"was made for other annotations: 111111111111"):
        stored_pairs(people, annotated, database, slow=slow)


def test_the_databases_must_not_be_exchanged(people, annotated, database):
    slow, fast = database("slow"), database("fast")

    with pytest.raises(StoreError, match="holds maps of the slow network, expected the fast one"):
        stored_pairs(people, annotated, database, slow=fast, fast=slow)
