"""Maps to bytes and back: nothing lost, little lost, or only what no position depends on."""

from __future__ import annotations

import numpy as np
import pytest

from data.packing import BUDGET, PackingError, pack, unpack
from data.pose import Floats
from models.decode import peaks, refined

SHAPE = (17, 64, 48)


def drawn(generator: np.random.Generator, noise: float, shape=SHAPE) -> Floats:
    """Gaussians of several heights and widths, as networks draw them, and a net's noise."""
    _, height, width = shape
    rows, columns = np.mgrid[:height, :width]
    maps = np.zeros(shape)
    for own in maps:
        x, y = generator.uniform((-3, -3), (width + 3, height + 3))
        spread, peak = generator.uniform(0.8, 6), generator.choice([0.02, 0.3, 1.1])
        own += peak * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
    return (maps + noise * generator.normal(size=shape)).astype(np.float32)


def soft(maps: Floats) -> Floats:
    """The published fast network's kind: each map sums to 1."""
    powers = np.exp(12 * maps.astype(np.float64))
    return (powers / powers.sum((1, 2), keepdims=True)).astype(np.float32)


def decoded(maps: Floats) -> Floats:
    return refined(maps[None], peaks(maps[None])[0])[0]


def test_exact_keeps_every_bit(generator):
    maps = drawn(generator, 0.01)

    again = unpack(pack(maps, "exact"), SHAPE, "exact")

    assert again.dtype == np.float32
    assert maps.tobytes() == again.tobytes()


def test_half_keeps_three_digits(generator):
    maps = drawn(generator, 0.01)

    again = unpack(pack(maps, "half"), SHAPE, "half")

    np.testing.assert_array_equal(maps.astype(np.float16).astype(np.float32), again)
    np.testing.assert_allclose(again, maps, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("kind", [np.asarray, soft])
def test_byte_keeps_every_position_and_score_within_the_budget(generator, noise, kind):
    for _ in range(12):
        maps = kind(drawn(generator, noise))

        payload = pack(maps, "byte")
        again = unpack(payload, SHAPE, "byte")

        assert len(payload) <= BUDGET
        np.testing.assert_array_equal(decoded(maps), decoded(again))
        np.testing.assert_allclose(maps.max((1, 2)), again.max((1, 2)), rtol=1e-6)


def test_byte_is_close_where_there_is_room_for_it(generator):
    """Of clean maps the finest levels fit: 255 of the highest peak."""
    maps = drawn(generator, 0.0, (4, 32, 24))

    again = unpack(pack(maps, "byte"), maps.shape, "byte")

    # Half a level, and nearly one more where a cell would have reached the peak.
    assert np.abs(maps - again).max() <= 1.55 * maps.max() / 255


def test_byte_of_a_large_hopeless_map_still_fits(generator):
    maps = generator.uniform(0, 1, (17, 96, 72)).astype(np.float32)

    payload = pack(maps, "byte")

    assert len(payload) <= BUDGET
    np.testing.assert_array_equal(decoded(maps), decoded(unpack(payload, maps.shape, "byte")))


@pytest.mark.parametrize(
    "cells",
    [
        [(5, 5, 1.0), (5, 6, 1.0)],  # two equal peaks: the first counts
        [(5, 5, 1.0), (5, 6, 0.9999), (5, 4, 0.9998)],  # both neighbours round to the peak
        [(5, 5, 1.0), (5, 6, 1e-6), (4, 5, -1e-6)],  # both neighbours round to nothing
        [(0, 0, 1.0), (0, 1, 0.5)],  # in the corner nothing is shifted
        [(5, 5, -0.01)],  # no positive cell
        [],  # all equal
    ],
    ids=["equal", "nearly-equal", "steep", "corner", "negative", "flat"],
)
@pytest.mark.parametrize("level", [0.0, -0.2])
def test_byte_keeps_the_position_of_awkward_peaks(cells, level):
    maps = np.full((2, 12, 10), level, np.float32)
    maps[1, 6, 6] = 3.0  # a person's other map is high
    for row, column, value in cells:
        maps[0, row, column] = value

    again = unpack(pack(maps, "byte"), maps.shape, "byte")

    np.testing.assert_array_equal(decoded(maps), decoded(again))


def test_byte_keeps_the_peak_and_the_cells_beside_it_exactly(generator):
    maps = drawn(generator, 0.1)

    again = unpack(pack(maps, "byte"), SHAPE, "byte")

    for own, other in zip(maps, again, strict=True):
        row, column = np.unravel_index(own.argmax(), own.shape)
        for down, right in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
            y, x = row + down, column + right
            if 0 <= y < own.shape[0] and 0 <= x < own.shape[1]:
                assert own[y, x] == other[y, x]


@pytest.mark.parametrize("shape", [(2, 8, 8), (3, 5, 7), (1, 1, 1), (17, 56, 56), (19, 32, 24)])
def test_byte_keeps_peaks_in_the_corners_of_maps_of_any_size(shape):
    count, height, width = shape
    for place in range(height * width):
        if min(place, height * width - 1 - place) > 2 * width:
            continue
        maps = np.full(shape, 0.25, np.float32)
        maps.reshape(count, -1)[:, place] = 0.5 + np.arange(count)

        again = unpack(pack(maps, "byte"), shape, "byte")

        np.testing.assert_array_equal(decoded(maps), decoded(again))
        np.testing.assert_array_equal(maps.max((1, 2)), again.max((1, 2)))


def test_a_faint_map_is_kept_beside_bright_ones_that_leave_no_room(generator):
    maps = generator.uniform(0, 1, SHAPE).astype(np.float32)
    rows, columns = np.mgrid[:64, :48]
    faint = 0.1 * np.exp(-((columns - 20) ** 2 + (rows - 30) ** 2) / 8)
    maps[5] = faint

    again = unpack(pack(maps, "byte"), SHAPE, "byte")[5]

    high = faint > 0.08
    np.testing.assert_allclose(again[high], faint[high], atol=0.6 / 255)


def test_negative_cells_become_nothing_but_beside_a_peak():
    maps = np.full((2, 8, 8), -0.3, np.float32)
    maps[:, 3, 3] = 1.0

    again = unpack(pack(maps, "byte"), maps.shape, "byte")

    assert pytest.approx(again[0, 3, 4]) == -0.3
    assert again[0, 3, 5] == again[0, 7, 7] == 0


@pytest.mark.parametrize("height", [1e-36, 1e30])
def test_byte_of_tiny_and_of_huge_maps_keeps_the_positions(generator, height):
    maps = (drawn(generator, 0.01, (3, 16, 12)) * height).astype(np.float32)

    again = unpack(pack(maps, "byte"), maps.shape, "byte")

    np.testing.assert_array_equal(decoded(maps), decoded(again))


@pytest.mark.parametrize("precision", ["exact", "half", "byte"])
def test_numbers_that_are_not_finite_are_refused(precision):
    maps = np.zeros((1, 4, 4), np.float32)
    maps[0, 1, 1] = np.nan

    with pytest.raises(PackingError, match="not finite"):
        pack(maps, precision)


def test_numbers_too_large_for_half_precision_are_refused():
    with pytest.raises(PackingError, match="too large"):
        pack(np.full((1, 4, 4), 1e6, np.float32), "half")


@pytest.mark.parametrize("precision", ["exact", "half", "byte"])
def test_damaged_bytes_are_told(precision, generator):
    """Of every kind of damage: PackingError, or maps of the right shape, but nothing else."""
    maps = drawn(generator, 0.01, (3, 16, 12))
    payload = pack(maps, precision)

    for end in (0, 1, 5, 13, 20, len(payload) - 1):
        with pytest.raises(PackingError):
            unpack(payload[:end], maps.shape, precision)
    for _ in range(200):
        damaged = bytearray(payload)
        damaged[generator.integers(len(payload))] ^= 1 << int(generator.integers(8))
        try:
            assert unpack(bytes(damaged), maps.shape, precision).shape == maps.shape
        except PackingError:
            continue


def test_byte_of_maps_with_more_blocks_than_sixteen_bits_count():
    maps = np.zeros((1, 1100, 1000), np.float32)
    maps[0, 1050, 970] = 0.75
    maps[0, 1050, 972] = 0.5  # beyond the cells that are kept exactly

    again = unpack(pack(maps, "byte"), maps.shape, "byte")

    np.testing.assert_allclose(again, maps, atol=0.5 / 255)


def test_a_block_beyond_the_maps_is_told(generator):
    maps = drawn(generator, 0.01, (3, 16, 12))
    payload = bytearray(pack(maps, "byte"))
    first = 4 + 3 * 40  # after the highest level and the exact cells of three maps
    payload[first : first + 2] = (3 * 16 * 12 // 16).to_bytes(2, "little")

    with pytest.raises(PackingError, match="not the bytes"):
        unpack(bytes(payload), maps.shape, "byte")


def test_bytes_of_another_shape_are_told(generator):
    with pytest.raises(PackingError):
        unpack(pack(drawn(generator, 0.0), "exact"), (17, 64, 40), "exact")
