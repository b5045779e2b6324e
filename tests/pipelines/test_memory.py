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


def remembered(seed, previous=True, carried=False):
    return Remembered(
        key=maps(seed),
        key_index=16,
        fused=maps(seed + 1),
        index=19,
        previous=maps(seed + 2) if previous else None,
        carried=maps(seed + 3) if carried else None,
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
    memory.remember(9, remembered(9, carried=True))
    memory.remember(7, remembered(13, previous=False, carried=True))

    again = Memory.restored(memory.snapshot())

    assert again.tracks == {2, 3, 7, 9}
    for track in again.tracks:
        before, after = memory.recall(track), again.recall(track)
        assert (before.key_index, before.index) == (after.key_index, after.index)
        for name in ("key", "fused", "previous", "carried"):
            first, second = getattr(before, name), getattr(after, name)
            assert (first is None) == (second is None)
            if first is not None:
                assert first.crop == second.crop
                np.testing.assert_array_equal(first.maps, second.maps)


def test_an_empty_memory_is_restored_too():
    assert Memory.restored(Memory().snapshot()).tracks == frozenset()


def test_a_snapshot_of_an_older_fspose_is_restored():
    memory = Memory()
    memory.remember(3, remembered(1))
    memory.remember(2, remembered(5, previous=False))
    older = memory.snapshot()
    older["indices"] = np.array([(3, 16, 19, True), (2, 16, 19, False)], np.int64)

    again = Memory.restored(older)

    assert again.recall(3).previous is not None
    assert again.recall(2).previous is None
    assert again.recall(3).carried is again.recall(2).carried is None
