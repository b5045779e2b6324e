"""What the transfer net learns from."""

import numpy as np
import torch

from data.crop import Crop
from data.heatmaps import Heatmaps
from data.skeleton import FSPOSE_19
from data.training_clips import Walk
from models.training.transfer import Clips, drawn, moved, right_cells, shifted


def test_a_shifted_map_peaks_a_step_further_and_lets_zeros_in() -> None:
    maps = drawn(torch.tensor([[[10.0, 12.0], [3.0, 3.0]]]), 1.5, (24, 32))

    steps = torch.tensor([[[4.0, -5.0], [-30.0, 0.0]]])
    after = shifted(maps, steps)

    assert divmod(int(after[0, 0].argmax()), 24) == (7, 14)
    assert float(after[0, 1].max()) < 1e-3


def test_limbs_turn_about_their_joints_and_keep_their_lengths_but_for_the_bodys_own_stretch() -> (
    None
):
    rng = np.random.default_rng(0)
    points = rng.uniform(5, 35, (19, 2)).astype(np.float32)
    shoulder, elbow = (FSPOSE_19.index(f"left_{part}") for part in ("shoulder", "elbow"))
    length = np.hypot(*(points[elbow] - points[shoulder]))

    lengths, places = [], []
    for _ in range(200):
        before = moved(points, 16, (40, 48), rng)
        lengths.append(np.hypot(*(before[elbow] - before[shoulder])))
        places.append(before[elbow] - before[shoulder])

    assert abs(np.median(lengths) / length - 1) < 0.1
    assert np.ptp(np.arctan2(*np.array(places).T)) > 1


def test_right_cells_counts_known_keypoints_near_their_target() -> None:
    target = drawn(torch.tensor([[[10.0, 12.0], [3.0, 3.0], [20.0, 20.0]]]), 1.5, (24, 32))
    maps = drawn(torch.tensor([[[12.0, 12.0], [9.0, 3.0], [1.0, 1.0]]]), 1.5, (24, 32))

    assert right_cells(maps, target, torch.tensor([[True, True, False]])) == 0.5


class Point:
    """A net whose maps have one peak, at the red channel's value in the image's first pixel."""

    def heatmaps(self, image, boxes):
        crops = [Crop.around(box, (48, 64), 1.25).sized((12, 16)) for box in boxes]
        place = torch.full((1, 19, 2), float(image[0, 0, 0]))
        return [Heatmaps(drawn(place, 1.0, (12, 16))[0].numpy(), crop) for crop in crops]


def walk(places, *, exact):
    images = tuple(np.full((60, 60, 3), place, np.uint8) for place in places)
    keypoints = np.tile(np.float32([30, 30, 1]), (len(places), 19, 1))
    boxes = np.tile(np.float32([10, 10, 40, 40]), (len(places), 1))
    return Walk(images, keypoints, boxes, exact)


def test_clips_pair_a_frame_with_an_earlier_one_of_the_same_walk() -> None:
    walks = [walk([1, 2, 3], exact=False), walk([8, 9, 10], exact=False)]

    pairs = Clips(walks, (Point(), Point()), seed=0).draw(50, 1)

    now, before = (maps.flatten(2).argmax(-1)[:, 0] % 12 for maps in (pairs[0], pairs[1]))
    assert (before < now).all()
    assert ((before < 5) == (now < 5)).all()
    assert set(now.tolist()) == {2, 3, 9, 10}


def test_clips_want_the_truth_where_it_is_exact_and_else_what_the_slow_net_says() -> None:
    walks = [walk([2] * 9, exact=False), walk([2] * 9, exact=True)]

    pairs = Clips(walks, (Point(), Point()), seed=0).draw(60, 1)

    wanted = (pairs.wanted.flatten(2).argmax(-1)[:, 0] % 12).tolist()
    middle = {5, 6, 7}  # of a box that is a little off
    assert 2 in wanted
    assert set(wanted) <= {2} | middle
    assert set(wanted) & middle
