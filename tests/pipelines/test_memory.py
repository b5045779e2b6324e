import numpy as np
import pytest

from data.crop import Crop
from data.heatmaps import Heatmaps
from data.pose import Box
from pipelines.memory import Memory, Remembered


def maps(seed):
    generator = np.random.default_rng(seed)
    crop = Crop.around(
        Box(*generator.uniform(0, 50, 2), *generator.uniform(60, 90, 2)), (4, 5), 1.1
    )
    return Heatmaps(generator.standard_normal((3, 5, 4)).astype(np.float32), crop)


def remembered(seed, previous=True):
    return Remembered(
        key=maps(seed),
        key_index=16,
        fused=maps(seed + 1),
        index=19,
        previous=maps(seed + 2) if previous else None,
    )


def test_a_track_is_recalled_until_it_is_forgotten():
    memory, kept = Memory(), remembered(1)

    memory.remember(4, kept)

    assert memory.recall(4) is kept
    memory.forget([4, 5])
    assert memory.tracks == frozenset()
    with pytest.raises(KeyError):
        memory.recall(4)


def test_a_restored_memory_is_the_same_to_the_last_bit():
    memory = Memory()
    memory.remember(3, remembered(1))
    memory.remember(2, remembered(5, previous=False))
    memory.remember(9, remembered(9))

    again = Memory.restored(memory.snapshot())

    assert again.tracks == {2, 3, 9}
    for track in again.tracks:
        before, after = memory.recall(track), again.recall(track)
        assert (before.key_index, before.index) == (after.key_index, after.index)
        assert (before.previous is None) == (after.previous is None)
        for name in ("key", "fused", "previous"):
            first, second = getattr(before, name), getattr(after, name)
            if first is not None:
                assert first.crop == second.crop
                np.testing.assert_array_equal(first.maps, second.maps)


def test_an_empty_memory_is_restored_too():
    assert Memory.restored(Memory().snapshot()).tracks == frozenset()
