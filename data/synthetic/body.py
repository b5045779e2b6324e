"""The drawn person's body: proportions, joint angles, and where every joint is for given angles.

Body axes are x to the person's left, y up, z forward. A person who is not turned faces the viewer,
so the same axes are x to the picture's right, y up, z towards the viewer. Units are metres.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Rotation = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Build:
    """Proportions. Widths and lengths but `height` (metres) are factors about 1."""

    height: float = 1.74
    girth: float = 1.0
    shoulders: float = 1.0
    hips: float = 1.0
    legs: float = 1.0
    head: float = 1.0
    bust: float = 0.0

    @classmethod
    def random(cls, rng: np.random.Generator) -> Build:
        """Someone between a slim child and a tall heavy adult, mostly adults."""
        girth = float(np.exp(rng.normal(0.0, 0.13)))
        if rng.random() < 0.12:  # children: shorter legs, larger heads
            height = float(rng.uniform(1.05, 1.45))
            return cls(height, girth, 0.92, 0.95, 0.94, 1.9 - 0.6 * height)
        if rng.random() < 0.5:
            height = float(rng.normal(1.65, 0.06))
            return cls(height, girth * 0.96, 0.91, 1.08, 1.01, 1.0, float(rng.uniform(0.4, 1)))
        return cls(float(rng.normal(1.78, 0.07)), girth, float(rng.uniform(0.98, 1.08)))


@dataclass(frozen=True, slots=True)
class Limb:
    """An arm's or leg's angles in radians; all 0 hangs straight down.

    `swing` lifts it forward, `spread` to its own side, `twist` turns it inward about its length,
    `bend` flexes elbow or knee, `end` the wrist or (toes up) the ankle.
    """

    swing: float = 0.0
    spread: float = 0.0
    twist: float = 0.0
    bend: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class Posture:
    """All joint angles, in radians.

    `turn`, `lean`, `roll` turn the whole body: about the vertical to its left, forward, and onto
    its left side. `bow`, `side`, `wring` bend the chest against the pelvis forward, to the left
    and about the spine; `nod`, `tilt`, `look` the head against the chest. `lift` is the height
    of the lowest point above the ground in metres.
    """

    turn: float = 0.0
    lean: float = 0.0
    roll: float = 0.0
    bow: float = 0.0
    side: float = 0.0
    wring: float = 0.0
    nod: float = 0.0
    tilt: float = 0.0
    look: float = 0.0
    lift: float = 0.0
    left_arm: Limb = field(default_factory=lambda: Limb(spread=0.08, bend=0.15))
    right_arm: Limb = field(default_factory=lambda: Limb(spread=0.08, bend=0.15))
    left_leg: Limb = field(default_factory=lambda: Limb(spread=0.04))
    right_leg: Limb = field(default_factory=lambda: Limb(spread=0.04))

    def mirrored(self) -> Posture:
        """The same posture with left and right exchanged."""
        return replace(
            self,
            turn=-self.turn,
            roll=-self.roll,
            side=-self.side,
            wring=-self.wring,
            tilt=-self.tilt,
            look=-self.look,
            left_arm=self.right_arm,
            right_arm=self.left_arm,
            left_leg=self.right_leg,
            right_leg=self.left_leg,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A body in a posture: named points (3,) in metres and the frames (3, 3) of its segments.

    A frame's columns are the segment's own left, up and forward. The ground is y = 0, and the
    origin lies below the pelvis.
    """

    build: Build
    points: dict[str, Vector]
    frames: dict[str, Rotation]


def about_x(angle: float) -> Rotation:
    """Turns y towards z: bows forward."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def about_y(angle: float) -> Rotation:
    """Turns z towards x: turns to the own left."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def about_z(angle: float) -> Rotation:
    """Turns x towards y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


_SIDES = (("left", 1.0), ("right", -1.0))
_DOWN = np.array([0.0, -1.0, 0.0])

# What may touch the ground, with its reach below the point in heights.
_REACHES = {
    "heel": 0.018,
    "toe": 0.016,
    "knee": 0.033,
    "wrist": 0.02,
    "hip": 0.06,
    "shoulder": 0.04,
    "elbow": 0.026,
}


def stand(build: Build, posture: Posture) -> Figure:
    """The figure of a body in a posture, its lowest point `posture.lift` above the ground."""
    unit = build.height
    points: dict[str, Vector] = {}
    frames: dict[str, Rotation] = {}
    pelvis = about_y(posture.turn) @ about_z(-posture.roll) @ about_x(posture.lean)
    chest = pelvis @ about_z(-posture.side) @ about_y(posture.wring) @ about_x(posture.bow)
    head = chest @ about_z(-posture.tilt) @ about_y(posture.look) @ about_x(posture.nod)
    frames |= {"pelvis": pelvis, "chest": chest, "head": head}

    def offset(x: float, y: float, z: float) -> Vector:
        return np.array([x, y, z]) * unit

    points["pelvis"] = np.zeros(3)
    points["waist"] = pelvis @ offset(0, 0.105, 0)
    points["neck"] = points["waist"] + chest @ offset(0, 0.195, -0.004)
    between = (points["neck"] - points["waist"]) * 0.5
    points["ribs"] = points["waist"] + between + chest @ offset(0, 0, 0.004)
    size = build.head
    skull = points["neck"] + chest @ offset(0, 0.028, 0.006)
    points["head_bottom"] = skull
    center = skull + head @ offset(0, 0.074 * size, 0.012)
    points["head"] = center
    points["head_top"] = center + head @ offset(0, 0.073 * size, -0.004)
    points["nose"] = center + head @ offset(0, -0.014 * size, 0.066 * size)
    for side, sign in _SIDES:
        points[f"{side}_eye"] = center + head @ offset(sign * 0.019, 0.006, 0.0535) * size
        points[f"{side}_ear"] = center + head @ offset(sign * 0.0475, -0.006, -0.004) * size
        _arm(points, frames, posture, build, side, sign)
        _leg(points, frames, posture, build, side, sign)
    touching = [
        float(points[f"{side}_{part}"][1]) - reach * unit
        for side, _ in _SIDES
        for part, reach in _REACHES.items()
    ]
    lowest = min(*touching, float(points["head"][1]) - 0.06 * unit)
    rise = np.array([0.0, posture.lift - lowest, 0.0])
    return Figure(build, {name: point + rise for name, point in points.items()}, frames)


def _arm(
    points: dict[str, Vector],
    frames: dict[str, Rotation],
    posture: Posture,
    build: Build,
    side: str,
    sign: float,
) -> None:
    limb: Limb = getattr(posture, f"{side}_arm")
    chest, unit = frames["chest"], build.height
    # A raised arm takes its shoulder along, up and inward.
    raised = np.clip((max(limb.spread, limb.swing) - 1.2) / 1.6, 0, 1)
    reach = 0.104 * build.shoulders - 0.012 * raised
    place = np.array([sign * reach, -0.024 + 0.034 * raised, 0.0]) * unit
    shoulder = points["neck"] + chest @ place
    upper = chest @ about_x(-limb.swing) @ about_z(sign * limb.spread) @ about_y(-sign * limb.twist)
    lower = upper @ about_x(-limb.bend)
    hand = lower @ about_z(-sign * limb.end)
    elbow = shoulder + upper @ _DOWN * 0.172 * unit
    wrist = elbow + lower @ _DOWN * 0.147 * unit
    points[f"{side}_shoulder"], points[f"{side}_elbow"] = shoulder, elbow
    points[f"{side}_wrist"], points[f"{side}_hand"] = wrist, wrist + hand @ _DOWN * 0.05 * unit
    frames[f"{side}_upper_arm"], frames[f"{side}_forearm"] = upper, lower
    frames[f"{side}_hand"] = hand


def _leg(
    points: dict[str, Vector],
    frames: dict[str, Rotation],
    posture: Posture,
    build: Build,
    side: str,
    sign: float,
) -> None:
    limb: Limb = getattr(posture, f"{side}_leg")
    unit, length = build.height, build.height * build.legs
    hip = frames["pelvis"] @ (np.array([sign * 0.054 * build.hips, 0.0, 0.0]) * unit)
    turned = about_x(-limb.swing) @ about_z(sign * limb.spread) @ about_y(-sign * limb.twist)
    upper = frames["pelvis"] @ turned
    lower = upper @ about_x(limb.bend)
    foot = lower @ about_y(sign * 0.15) @ about_x(-limb.end)
    knee = hip + upper @ _DOWN * 0.238 * length
    ankle = knee + lower @ _DOWN * 0.232 * length
    points[f"{side}_hip"], points[f"{side}_knee"], points[f"{side}_ankle"] = hip, knee, ankle
    points[f"{side}_heel"] = ankle + foot @ (np.array([0.0, -0.026, -0.028]) * unit)
    points[f"{side}_toe"] = ankle + foot @ (np.array([0.0, -0.03, 0.098]) * unit)
    frames[f"{side}_thigh"], frames[f"{side}_shin"], frames[f"{side}_foot"] = upper, lower, foot
