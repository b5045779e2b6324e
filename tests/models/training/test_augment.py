"""Augmentation keeps keypoints on what they mark."""

import numpy as np

from data.skeleton import FSPOSE_19
from models.training.augment import plain, varied

MARK = 40


def marked() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A grey picture with a white square at the nose and a black one at the left wrist."""
    image = np.full((160, 120, 3), 128, np.uint8)
    keypoints = np.zeros((19, 3), np.float32)
    for name, x, y, colour in (("nose", 60, 40, 255), ("left_wrist", 80, 100, 0)):
        image[y - 6 : y + 7, x - 6 : x + 7] = colour
        keypoints[FSPOSE_19.index(name)] = x, y, 2
    return image, keypoints, np.array([20, 10, 80, 140], np.float32)


def test_the_plain_crop_shows_the_marks_at_the_keypoints() -> None:
    image, keypoints, box = marked()

    crop, moved = plain(image, keypoints, box, (96, 128))

    for name, colour in (("nose", 255), ("left_wrist", 0)):
        x, y = moved[FSPOSE_19.index(name), :2].round().astype(int)
        assert abs(int(crop[y, x, 0]) - colour) < MARK


def test_varied_crops_show_them_too_on_whichever_side() -> None:
    image, keypoints, box = marked()
    rng = np.random.default_rng(3)
    seen, sides = 0, set()

    for _ in range(60):
        crop, moved = varied(
            image, keypoints, box, (96, 128), elsewhere=np.full_like(image, 128), rng=rng
        )
        side = next(s for s in ("left", "right") if moved[FSPOSE_19.index(f"{s}_wrist"), 2] > 0)
        nose = moved[FSPOSE_19.index("nose"), :2]
        wrist = moved[FSPOSE_19.index(f"{side}_wrist"), :2]
        sides.add(side)
        inside = all(2 < p[0] < 93 and 2 < p[1] < 125 for p in (nose, wrist))
        if inside:
            bright, dark = (
                crop[round(float(p[1])), round(float(p[0]))].mean() for p in (nose, wrist)
            )
            seen += bright > dark + MARK

    assert sides == {"left", "right"}
    assert seen > 40  # an occluder hides some
