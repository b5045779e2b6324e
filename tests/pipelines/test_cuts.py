"""Cuts: another shot is one, a pan, noise or another brightness is none."""

import cv2
import numpy as np
import pytest

from pipelines.cuts import is_cut, thumbnail


def scene(seed, size=(480, 270)):
    """A blurred random picture."""
    random = np.random.default_rng(seed)
    blots = random.integers(0, 256, (9, 16, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(blots, size, interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_another_scene_is_a_cut(seed):
    assert is_cut(thumbnail(scene(seed)), thumbnail(scene(seed + 100)))


@pytest.mark.parametrize("seed", range(5))
def test_a_pan_noise_and_another_brightness_are_none(seed):
    image = scene(seed)
    panned = np.roll(image, 12, axis=1)
    noise = np.random.default_rng(seed).normal(0, 12, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    brighter = np.clip(image.astype(int) + 60, 0, 255).astype(np.uint8)

    for other in (image, panned, noisy, brighter):
        assert not is_cut(thumbnail(image), thumbnail(other))


def test_a_dark_noisy_scene_has_no_cuts():
    random = np.random.default_rng(1)
    first, second = (random.integers(0, 9, (270, 480, 3)).astype(np.uint8) for _ in range(2))

    assert not is_cut(thumbnail(first), thumbnail(second))


@pytest.mark.parametrize("size", [(97, 51), (1280, 720), (3840, 2160)])
def test_a_thumbnail_says_the_same_at_any_size(size):
    small = thumbnail(scene(2))

    np.testing.assert_allclose(thumbnail(scene(2, size)), small, atol=24)
    assert not is_cut(small, thumbnail(scene(2, size)))


def test_an_image_smaller_than_its_thumbnail_is_read():
    assert thumbnail(np.zeros((2, 3, 3), np.uint8)).shape == (18, 32)
