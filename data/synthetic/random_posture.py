"""Postures at random: far more kinds than people take in the scenes, for training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.synthetic.body import Limb, Posture
from data.synthetic.motion import MOTIONS, Manner


def random_posture(rng: np.random.Generator) -> Posture:
    """Any posture: mostly a moment of a motion with noise, else free angles, sitting or lying."""
    kind = rng.choice(5, p=(0.42, 0.33, 0.12, 0.08, 0.05))
    if kind == 0:
        motion = MOTIONS[list(MOTIONS)[rng.integers(len(MOTIONS))]]
        posture = _shaken(motion(float(rng.uniform(0, 20)), Manner.random(rng)), rng, 0.13)
    elif kind == 2:
        posture = _sitting(rng)
    elif kind == 4:  # upside down or falling: gymnasts, divers
        posture = replace(_free(rng), lean=float(rng.uniform(-3.1, 3.1)), lift=0.2)
    else:
        posture = _free(rng)
    if kind == 3:
        return _lying(posture, rng)
    # Facing the viewer is twice as frequent as any other direction.
    turn = rng.normal(0, 0.5) if rng.random() < 0.3 else rng.uniform(-np.pi, np.pi)
    return replace(posture, turn=float(turn))


def _free(rng: np.random.Generator) -> Posture:
    """Free angles within what joints allow, as in sports and dance."""

    def draw(low: float, mode: float, high: float) -> float:
        return float(rng.triangular(low, mode, high))

    def arm() -> Limb:
        return Limb(
            swing=draw(-0.9, 0.4, 3.0),
            spread=draw(-0.2, 0.3, 2.6),
            twist=draw(-1.6, 0.0, 1.2),
            bend=draw(0.0, 0.2, 2.4),
            end=draw(-0.5, 0.0, 0.5),
        )

    def leg(wild: float) -> Limb:
        bend = draw(0.0, 0.15, 2.2 * wild)
        return Limb(
            swing=draw(-0.8 * wild, 0.4 * bend, 0.3 + 1.7 * wild),
            spread=draw(-0.1, 0.1, 0.25 + 0.6 * wild),
            twist=draw(-0.5, 0.0, 0.4),
            bend=bend,
            end=draw(-0.6, 0.0, 0.4),
        )

    wild = float(rng.uniform(0.15, 1.0))
    return Posture(
        lean=draw(-0.4, 0.05, 0.9) * wild,
        roll=draw(-0.4, 0.0, 0.4) * wild,
        bow=draw(-0.25, 0.1, 1.1) * wild,
        side=draw(-0.4, 0.0, 0.4),
        wring=draw(-0.6, 0.0, 0.6),
        nod=draw(-0.5, 0.05, 0.7),
        tilt=draw(-0.4, 0.0, 0.4),
        look=draw(-1.1, 0.0, 1.1),
        lift=max(0.0, draw(-0.6, 0.0, 0.5)),
        left_arm=arm(),
        right_arm=arm(),
        left_leg=leg(wild),
        right_leg=leg(wild),
    )


def _sitting(rng: np.random.Generator) -> Posture:
    def leg() -> Limb:
        swing, bend = rng.normal(1.45, 0.15), rng.normal(1.45, 0.35)
        return Limb(
            swing=float(swing), spread=float(rng.uniform(0, 0.4)), bend=max(0.0, float(bend))
        )

    free = _free(rng)
    bow = float(rng.normal(0.15, 0.2))
    return replace(free, lean=0.0, roll=0.0, lift=0.0, bow=bow, left_leg=leg(), right_leg=leg())


def _lying(posture: Posture, rng: np.random.Generator) -> Posture:
    """On the back, the belly or a side; across the picture more often than along it."""
    turn = float(rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.5))
    lean = float(rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.1))
    if rng.random() < 0.3:
        return replace(posture, turn=turn - np.pi / 2, lean=0.0, roll=lean, lift=0.0)
    return replace(posture, turn=turn, lean=lean, lift=0.0)


def _shaken(posture: Posture, rng: np.random.Generator, spread: float) -> Posture:
    """The posture with every angle of the limbs and the trunk a little off."""

    def limb(before: Limb, room: float) -> Limb:
        swing, side, twist, bend, end = rng.normal(0, spread * room, 5)
        return Limb(
            before.swing + swing,
            before.spread + side,
            before.twist + twist,
            max(0.0, before.bend + bend),
            before.end + end,
        )

    bow, side, wring, nod, tilt, look = rng.normal(0, spread, 6)
    return replace(
        posture,
        bow=posture.bow + bow,
        side=posture.side + side,
        wring=posture.wring + wring,
        nod=posture.nod + nod,
        tilt=posture.tilt + tilt,
        look=posture.look + 2 * look,
        left_arm=limb(posture.left_arm, 1.8),
        right_arm=limb(posture.right_arm, 1.8),
        left_leg=limb(posture.left_leg, 0.8),
        right_leg=limb(posture.right_leg, 0.8),
    )
