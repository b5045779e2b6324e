from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.frame import Frame, Image
from data.pose import Floats
from data.posetrack import read, write
from data.skeleton import FSPOSE_19, POSETRACK_17
from data.synthetic.actor import Actor, Waypoint
from data.synthetic.body import Build
from data.synthetic.dress import Outfit, swatch
from data.synthetic.motion import Manner
from data.synthetic.presets import PRESETS, crossing, demo, scene
from data.synthetic.scene import Camera, Occluder, Scene, Truth, sequence

SIZE = (240, 160)
PINK = (255, 0, 255)


def someone(
    *path: Waypoint, track: int = 1, motion: str = "idle", facing: float = 0.0, seed: int = 0
) -> Actor:
    rng = np.random.default_rng(seed)
    outfit = replace(Outfit.random(rng), hat="none", backpack=None, band=swatch(PINK), skirt=0.0)
    return Actor(track, Build(), outfit, Manner(left_handed=True), motion, path, facing)


def stage(*actors: Actor, count: int = 1, camera: Camera | None = None) -> Scene:
    """Grey, without noise: what is pink is the band."""
    margin = 30
    grey = np.full((SIZE[1] + 2 * margin, SIZE[0] + 2 * margin, 3), 128, np.uint8)
    return Scene(
        size=SIZE,
        fps=10,
        count=count,
        seed=0,
        actors=actors,
        backdrop=grey,
        margin=margin,
        horizon=60.0,
        camera=camera or Camera(),
    )


def shot(scene: Scene) -> tuple[Frame, tuple[Truth, ...]]:
    return next(iter(scene))


def index(name: str) -> int:
    return FSPOSE_19.index(name)


def pink_center(image: Image) -> Floats:
    """Where the band is drawn."""
    values = image.astype(np.int64)
    pinkness = np.minimum(values[..., 0], values[..., 2]) - values[..., 1]
    y, x = np.nonzero(pinkness > 60)
    return np.array([x.mean(), y.mean()], np.float32)


def test_the_left_wrist_is_where_its_band_is_drawn() -> None:
    camera = Camera(pan=0.05, period=1.6, zoom=1.3)
    waver = someone(Waypoint(0, 0.1, 3.2), motion="wave")
    checked = 0

    for frame, (truth,) in stage(waver, count=12, camera=camera):
        if truth.visibility[index("left_wrist")] == 2:
            np.testing.assert_allclose(
                pink_center(frame.image), truth.keypoints[index("left_wrist")], atol=0.8
            )
            checked += 1

    assert checked >= 8


def test_facing_the_camera_the_persons_right_is_on_the_pictures_left() -> None:
    _, (truth,) = shot(stage(someone(Waypoint(0, 0, 3.2))))

    for part in ("eye", "shoulder", "wrist", "hip", "ankle"):
        right, left = (
            truth.keypoints[index(f"right_{part}")],
            truth.keypoints[index(f"left_{part}")],
        )
        assert right[0] < left[0]


@pytest.mark.parametrize(("facing", "visible"), [(0.0, True), (np.pi, False)])
def test_a_face_is_seen_only_from_the_front(facing: float, visible: bool) -> None:
    _, (truth,) = shot(stage(someone(Waypoint(0, 0, 3.0), facing=facing)))

    for name in ("nose", "left_eye", "right_eye"):
        assert (truth.visibility[index(name)] == 2) == visible
    assert truth.visibility[index("left_knee")] == 2


def test_from_the_side_the_body_hides_its_far_half() -> None:
    _, (truth,) = shot(stage(someone(Waypoint(0, 0, 3.0), facing=np.pi / 2)))

    assert truth.visibility[index("right_shoulder")] == 2
    assert truth.visibility[index("left_shoulder")] == 1
    assert truth.visibility[index("left_ear")] == 1


def test_what_stands_in_front_hides_and_what_stands_behind_does_not() -> None:
    wall = np.full((40, 200, 4), 255, np.uint8)
    scene = stage(someone(Waypoint(0, 0, 3.2)))
    before = replace(scene, occluders=(Occluder(wall, 0.9, 0.0, 2.8),))
    behind = replace(scene, occluders=(Occluder(wall, 0.9, 0.0, 4.0),))

    (hidden,), (free,) = shot(before)[1], shot(behind)[1]

    assert hidden.visibility[index("left_knee")] == 1
    assert hidden.visibility[index("nose")] == 2
    assert free.visibility[index("left_knee")] == 2
    assert hidden.seen < 0.7 < free.seen
    np.testing.assert_array_equal(hidden.keypoints, free.keypoints)
    assert hidden.box == free.box


def test_who_is_wholly_hidden_is_not_annotated() -> None:
    wall = np.full((40, 200, 4), 255, np.uint8)
    scene = replace(stage(someone(Waypoint(0, 0, 3.2))), occluders=(Occluder(wall, 2.6, 0.0, 2.8),))

    assert shot(scene)[1] == ()


def test_what_is_outside_of_the_picture_is_marked_and_absent_in_the_file() -> None:
    _, (truth,) = shot(stage(someone(Waypoint(0, -1.5, 3.2))))
    outside = (truth.keypoints[:, 0] < -0.5) & (truth.visibility == 0)

    person = truth.person()

    assert outside.any()
    assert (truth.visibility == 2).any()
    assert not person.present[[POSETRACK_17.index("right_wrist")]].any()
    assert truth.box.left == 0


def test_boxes_hold_the_keypoints_that_are_seen_and_stay_inside_the_picture() -> None:
    for _, truths in scene(5, size=SIZE, people=4, seconds=1.0, fps=5):
        for truth in truths:
            seen = truth.keypoints[truth.visibility == 2]
            low, high = seen.min(0), seen.max(0)
            assert truth.box.left - 1 <= low[0] <= high[0] <= truth.box.right + 1
            assert truth.box.top - 1 <= low[1] <= high[1] <= truth.box.bottom + 1
            assert 0 <= truth.box.left <= truth.box.right <= SIZE[0]
            assert 0 <= truth.box.top <= truth.box.bottom <= SIZE[1]
            nose = index("nose")
            if truth.visibility[nose] == 2:
                x, y = truth.keypoints[nose]
                assert truth.head.left <= x <= truth.head.right
                assert truth.head.top <= y <= truth.head.bottom


def test_tracks_are_unique_on_a_frame_and_keep_their_person() -> None:
    last: dict[int, Floats] = {}

    for _, truths in demo(8, size=SIZE, seconds=2.0, fps=12.5):
        assert len({truth.track for truth in truths}) == len(truths)
        for truth in truths:
            if truth.track in last:
                moved = np.linalg.norm(truth.keypoints - last[truth.track], axis=1)
                assert np.median(moved) < 0.1 * SIZE[0]
            last[truth.track] = truth.keypoints

    assert len(last) >= 3


@pytest.mark.parametrize("preset", PRESETS)
def test_the_same_seed_draws_the_same_clip_and_another_seed_another(preset: str) -> None:
    def clip(seed: int) -> list[tuple[Frame, tuple[Truth, ...]]]:
        return list(PRESETS[preset](seed, size=SIZE, people=2, seconds=0.3, fps=10))

    first, again, other = clip(3), clip(3), clip(4)

    for (frame, truths), (same, equal) in zip(first, again, strict=True):
        np.testing.assert_array_equal(frame.image, same.image)
        for one, two in zip(truths, equal, strict=True):
            np.testing.assert_array_equal(one.keypoints, two.keypoints)
            np.testing.assert_array_equal(one.visibility, two.visibility)
    assert any((a.image != b.image).any() for (a, _), (b, _) in zip(first, other, strict=True))


def test_no_global_random_state_is_read_or_changed() -> None:
    before = repr(np.random.get_state())

    frame, _ = shot(scene(6, size=SIZE, people=1))
    after = repr(np.random.get_state())
    np.random.seed(99)
    same, _ = shot(scene(6, size=SIZE, people=1))

    np.testing.assert_array_equal(frame.image, same.image)
    assert before == after


def test_people_who_cross_change_sides_and_hide_each_other() -> None:
    clip = [truths for _, truths in crossing(2, size=SIZE, seconds=6, fps=5)]
    both = [{truth.track: truth for truth in truths} for truths in clip if len(truths) == 2]
    order = [bool(people[1].box.center[0] < people[2].box.center[0]) for people in both]
    hidden = [int((people[2].visibility == 1).sum()) for people in both]
    apart = [abs(people[1].box.center[0] - people[2].box.center[0]) for people in both]

    assert len(set(order)) == 2
    assert order == sorted(order, reverse=order[0])
    assert hidden[int(np.argmin(apart))] > hidden[0]


def test_the_demo_shows_people_who_come_late_and_people_who_leave() -> None:
    times: dict[int, list[int]] = {}
    for frame, truths in demo(8, size=(160, 90), fps=2.5):
        for truth in truths:
            times.setdefault(truth.track, []).append(frame.index)

    assert len(times) == 5
    assert any(seen[0] > 4 for seen in times.values())
    assert any(seen[-1] < 17 for seen in times.values())
    assert sum(len(seen) == 20 for seen in times.values()) >= 2


def test_the_annotation_is_read_back_with_the_seventeen_keypoints(tmp_path: Path) -> None:
    truths = [people for _, people in scene(1, size=SIZE, people=2, seconds=0.4, fps=10)]
    path = tmp_path / "clip.json"

    write(sequence("clip", SIZE, truths), path)
    back = read(path)

    assert [len(people) for people in truths] == [len(frame.people) for frame in back.frames]
    assert all(frame.size == SIZE for frame in back.frames)
    for people, frame in zip(truths, back.frames, strict=True):
        for truth, person in zip(people, frame.people, strict=True):
            assert truth.track == person.track
            assert person.head is not None
            for place, name in enumerate(POSETRACK_17.keypoints):
                assert truth.visibility[index(name)] == person.visibility[place]
                if truth.visibility[index(name)]:
                    expected = truth.keypoints[index(name)]
                    np.testing.assert_allclose(person.keypoints[place], expected, atol=0.01)


def test_people_are_drawn_on_a_background_that_is_given() -> None:
    checks = np.indices((90, 160)).sum(0) % 2 * 40
    background = np.dstack([np.full((90, 160), 200), checks, checks]).astype(np.uint8)

    frame, (truth,) = shot(crossing(0, size=SIZE, people=1, seconds=2, background=background))
    middle, _ = list(crossing(0, size=SIZE, people=1, seconds=2, fps=2, background=background))[2]

    assert truth.track == 1
    assert frame.image[:20, -60:, 0].mean() == pytest.approx(200, abs=3)
    assert frame.image[:20, -60:, 1].mean() == pytest.approx(20, abs=6)
    assert (middle.image[..., 0] < 150).mean() > 0.01
