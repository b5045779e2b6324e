"""Images as tensors."""

import numpy as np
import torch

from models.preprocess import DEVIATION, MEAN, normalised


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
