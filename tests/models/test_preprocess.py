"""Images as tensors."""

import numpy as np
import torch

from models.preprocess import (
    DEVIATION,
    MEAN,
    normalised,
    padded_bgr,
    padded_rgb,
    padded_size,
    shorter_side_first,
    shorter_side_to,
)


def test_colours_are_normalised_and_come_first():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (4, 6, 3), np.uint8) for _ in range(2)]

    batch = normalised(images, "cpu")

    expected = (np.stack(images) / 255 - MEAN) / DEVIATION
    assert batch.dtype == torch.float32
    np.testing.assert_allclose(expected.transpose(0, 3, 1, 2), batch.numpy(), rtol=1e-5, atol=1e-6)


def test_a_mirrored_view_of_an_image_can_be_normalised():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)

    mirrored = normalised([image[:, ::-1]], "cpu")

    torch.testing.assert_close(normalised([image], "cpu").flip(3), mirrored)


def test_an_image_grows_to_its_shorter_side_and_no_longer_than_the_longest():
    image = np.zeros((100, 250, 3), np.uint8)

    assert shorter_side_to(image, 200, longest=1000).shape == (200, 500, 3)
    assert shorter_side_to(image, 200, longest=333).shape == (133, 333, 3)
    assert shorter_side_to(image[:1], 200, longest=100).shape == (1, 100, 3)
    assert shorter_side_to(image, 100, longest=250) is image


def test_by_the_older_rule_the_longer_side_follows_the_shorter_and_is_cut_off():
    image = np.zeros((427, 640, 3), np.uint8)

    assert shorter_side_first(image, 800, longest=1333).shape == (800, 1199, 3)
    assert shorter_side_first(image.transpose(1, 0, 2), 800, longest=1333).shape == (1199, 800, 3)
    assert shorter_side_to(image, 800, longest=1333).shape == (800, 1199, 3)
    wide = np.zeros((333, 640, 3), np.uint8)  # 693.57 of 1333 pixels
    assert shorter_side_first(wide, 800, longest=1333).shape == (694, 1333, 3)
    assert shorter_side_first(wide[:300], 800, longest=1333).shape == (625, 1333, 3)
    assert shorter_side_first(np.zeros((80, 163, 3), np.uint8), 80, longest=133).shape[:2] == (
        *(65, 132),
    )


def test_a_strip_keeps_a_pixel():
    strip = np.zeros((1, 10_000, 3), np.uint8)

    assert shorter_side_first(strip, 800, longest=1333).shape == (1, 2666, 3)


def test_shrinking_averages_what_it_takes_away():
    """As Pillow does, and OpenCV's linear way does not."""
    stripes = np.zeros((8, 64, 3), np.uint8)
    stripes[:, ::4] = 200

    small = shorter_side_to(stripes, 1, longest=64)

    assert 35 < small.min() <= small.max() < 65


def test_detectrons_channels_are_blue_green_red_less_their_mean_and_filled_with_zeros():
    image = np.zeros((33, 20, 3), np.uint8)
    image[..., 0], image[..., 2] = 200, 10

    batch = padded_bgr([image, image[:5, :, ::-1]], "cpu")

    assert batch.shape == (2, 3, 64, 32)
    torch.testing.assert_close(batch[0, :, 32, 19], torch.tensor([10 - 103.53, -116.28, 76.325]))
    torch.testing.assert_close(batch[1, :, 4, 0], torch.tensor([200 - 103.53, -116.28, -113.675]))
    assert float(batch[0, :, 33:].abs().sum() + batch[1, :, 5:].abs().sum()) == 0
    assert padded_size(image) == (64, 32)


def test_the_mean_may_be_another():
    image = np.full((32, 32, 3), 100, np.uint8)

    batch = padded_bgr([image], "cpu", (1, 2, 3))

    assert batch[0, :, 0, 0].tolist() == [99, 98, 97]


def test_normalised_colours_are_filled_with_zeros_too():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (33, 20, 3), np.uint8)

    batch = padded_rgb([image, image[:5, ::-1]], "cpu")

    torch.testing.assert_close(batch[0, :, :33, :20], normalised([image], "cpu")[0])
    torch.testing.assert_close(batch[1, :, :5, :20], normalised([image[:5]], "cpu")[0].flip(2))
    assert float(batch[0, :, 33:].abs().sum() + batch[1, :, 5:].abs().sum()) == 0
    assert batch.shape == (2, 3, 64, 32)


def test_every_byte_becomes_what_the_formula_says_to_the_last_bit():
    image = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)

    batch = normalised([image, image[::-1].copy()], "cpu")

    pixels = torch.from_numpy(np.stack([image, image[::-1]]))
    expected = (pixels / 255 - torch.tensor(MEAN)) / torch.tensor(DEVIATION)
    assert torch.equal(batch, expected.permute(0, 3, 1, 2))
    assert batch.is_contiguous(memory_format=torch.channels_last)
