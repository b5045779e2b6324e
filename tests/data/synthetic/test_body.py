from __future__ import annotations

import numpy as np
import pytest

from data.skeleton import FSPOSE_19
from data.synthetic.body import Build, Limb, Posture, stand
from data.synthetic.motion import MOTIONS, Manner, blend, stride_speed
from data.synthetic.random_posture import random_posture


def test_a_person_who_faces_the_viewer_has_the_right_limbs_on_the_pictures_left() -> None:
    figure = stand(Build(), Posture())

    for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        assert figure.points[f"right_{part}"][0] < 0 < figure.points[f"left_{part}"][0]


def test_a_person_turned_away_has_the_right_limbs_on_the_pictures_right() -> None:
    figure = stand(Build(), Posture(turn=np.pi))

    assert figure.points["right_wrist"][0] > 0 > figure.points["left_wrist"][0]
    assert figure.points["nose"][2] < figure.points["head"][2]


def test_a_quarter_turn_to_the_own_left_faces_the_pictures_right() -> None:
    figure = stand(Build(), Posture(turn=np.pi / 2))

    assert figure.points["nose"][0] > figure.points["head"][0] + 0.05
    assert figure.points["left_toe"][0] > figure.points["left_heel"][0] + 0.1


def test_an_adult_is_as_tall_as_its_build_and_about_seven_heads_and_a_half() -> None:
    build = Build(height=1.8)
    points = stand(build, Posture()).points

    top, chin = points["head_top"][1], points["head"][1] - 0.074 * build.height
    assert top == pytest.approx(1.8, abs=0.05)
    assert 6.5 < top / (top - chin) < 8.5


def test_limbs_go_where_their_angles_say() -> None:
    posture = Posture(left_arm=Limb(spread=np.pi / 2), right_arm=Limb(swing=np.pi / 2))
    points = stand(Build(), posture).points

    assert points["left_wrist"][0] - points["left_shoulder"][0] > 0.5
    assert points["right_wrist"][2] - points["right_shoulder"][2] > 0.5


def test_a_bent_knee_brings_the_ankle_back_and_a_bent_elbow_the_wrist_forward() -> None:
    posture = Posture(left_leg=Limb(bend=1.2), left_arm=Limb(bend=1.2))
    points = stand(Build(), posture).points

    assert points["left_ankle"][2] < points["left_knee"][2] - 0.2
    assert points["left_wrist"][2] > points["left_elbow"][2] + 0.2


def test_bones_keep_their_length_in_every_posture() -> None:
    rng = np.random.default_rng(0)
    build = Build()
    bones = [("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")]
    still = stand(build, Posture()).points

    for _ in range(40):
        points = stand(build, random_posture(rng)).points
        for side in ("left", "right"):
            for start, end in bones:
                before = still[f"{side}_{start}"] - still[f"{side}_{end}"]
                after = points[f"{side}_{start}"] - points[f"{side}_{end}"]
                np.testing.assert_allclose(np.linalg.norm(after), np.linalg.norm(before))


def test_the_mirrored_posture_is_the_mirrored_figure() -> None:
    rng = np.random.default_rng(1)
    posture = random_posture(rng)
    build = Build()
    one, other = stand(build, posture), stand(build, posture.mirrored())

    for index, name in enumerate(FSPOSE_19.keypoints):
        twin = FSPOSE_19.keypoints[FSPOSE_19.mirror[index]]
        np.testing.assert_allclose(other.points[twin], one.points[name] * [-1, 1, 1], atol=1e-9)


@pytest.mark.parametrize("name", MOTIONS)
def test_every_motion_stays_on_or_above_the_ground_and_moves(name: str) -> None:
    rng = np.random.default_rng(2)
    manner, build = Manner.random(rng), Build()
    places = []

    for seconds in np.linspace(0, 4, 17):
        points = stand(build, MOTIONS[name](float(seconds), manner)).points
        assert min(float(point[1]) for point in points.values()) > 0
        places.append(np.stack(list(points.values())))

    assert np.isfinite(places).all()
    assert np.ptp(places, axis=0).max() > 0.01


def test_walking_feet_stand_still_while_they_carry() -> None:
    """The lower foot moves back under the body as fast as the body moves forward."""
    manner, build = Manner(), Build()
    speed, step = stride_speed(manner), 0.02
    backward = []

    for seconds in np.arange(0, 2, step):
        now = stand(build, MOTIONS["walk"](float(seconds), manner)).points
        then = stand(build, MOTIONS["walk"](float(seconds) + step, manner)).points
        low = min(("left", "right"), key=lambda side: float(now[f"{side}_ankle"][1]))
        backward.append(float(now[f"{low}_ankle"][2] - then[f"{low}_ankle"][2]) / step)

    assert speed == pytest.approx(np.median(backward), rel=0.25)


def test_a_blend_turns_the_short_way() -> None:
    halfway = blend(Posture(turn=3.0), Posture(turn=-3.0, bow=0.4), 0.5)

    assert np.cos(halfway.turn) < -0.99
    assert halfway.bow == pytest.approx(0.2)
