"""Motions: a posture for every moment of walking, waving, dancing and other things people do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from data.synthetic.body import Limb, Posture


@dataclass(frozen=True, slots=True)
class Manner:
    """How someone moves: `pace` and `vigour` are factors about 1, `phase` is in radians.

    `sines` (12,) are frequencies and phases of a dance of one's own.
    """

    pace: float = 1.0
    vigour: float = 1.0
    phase: float = 0.0
    left_handed: bool = False
    sines: tuple[float, ...] = (0.1, 0.9, 0.4, 0.7, 0.2, 0.5, 0.8, 0.3, 0.6, 0.0, 0.45, 0.15)

    @classmethod
    def random(cls, rng: np.random.Generator) -> Manner:
        return cls(
            pace=float(rng.uniform(0.85, 1.15)),
            vigour=float(rng.uniform(0.8, 1.2)),
            phase=float(rng.uniform(0, 2 * np.pi)),
            left_handed=bool(rng.random() < 0.4),
            sines=tuple(float(value) for value in rng.random(12)),
        )


Motion = Callable[[float, Manner], Posture]
"""A posture after so many seconds."""


def _beat(seconds: float, manner: Manner, rate: float) -> float:
    return 2 * np.pi * rate * manner.pace * seconds + manner.phase


def stand_idle(seconds: float, manner: Manner) -> Posture:
    """Standing, breathing, shifting weight and looking about."""
    slow = _beat(seconds, manner, 0.12)
    sway = 0.03 * np.sin(slow)
    arm = Limb(swing=0.03 * np.sin(slow * 1.7), spread=0.10, bend=0.22)
    return Posture(
        side=sway,
        look=0.35 * np.sin(slow * 1.3) * manner.vigour,
        nod=0.05 + 0.05 * np.sin(slow * 2.1),
        left_arm=arm,
        right_arm=replace(arm, bend=0.3),
        left_leg=Limb(spread=0.06 + sway, bend=0.04),
        right_leg=Limb(spread=0.06 - sway, swing=0.08, bend=0.10),
    )


def walk(seconds: float, manner: Manner) -> Posture:
    """Walking on the spot; `stride_speed` says how fast to move it."""
    return _gait(_beat(seconds, manner, 0.95), swing=0.42, knee=0.95, arm=0.42, elbow=0.25)


def run(seconds: float, manner: Manner) -> Posture:
    """Running on the spot, airborne twice a cycle."""
    phase = _beat(seconds, manner, 1.4)
    stride = _gait(phase, swing=0.72, knee=1.75, arm=0.75, elbow=1.45)
    return replace(stride, lean=0.16, lift=0.09 * abs(np.sin(phase)))


def stride_speed(manner: Manner, *, running: bool = False) -> float:
    """Metres a second at which the feet of a walk or run do not slide, for 1.74 m of height."""
    reach, rate = (0.72, 1.4) if running else (0.42, 0.95)
    step = 2 * 0.47 * 1.74 * float(np.sin(reach))
    return 2 * step * rate * manner.pace * (1.15 if running else 0.97)


def _steady(phase: float) -> float:
    """A sine with straight flanks, so that a foot on the ground moves back at an even speed."""
    return 0.83 * float(np.sin(phase) - np.sin(3 * phase) / 9 + np.sin(5 * phase) / 25)


def _gait(phase: float, *, swing: float, knee: float, arm: float, elbow: float) -> Posture:
    def leg(at: float) -> Limb:
        forward = swing * _steady(at)
        lifted = max(0.0, float(np.cos(at + 0.45))) ** 2
        return Limb(
            swing=forward + 0.06 + 0.25 * knee * lifted,
            spread=0.02,
            bend=0.08 + knee * lifted,
            end=0.25 * float(np.sin(at)) - 0.1,
        )

    def hand(at: float) -> Limb:
        forward = arm * np.sin(at)
        return Limb(swing=forward, spread=0.10, bend=elbow + 0.25 * max(0.0, forward))

    return Posture(
        lean=0.03,
        bow=0.03,
        wring=0.10 * np.sin(phase),
        side=0.03 * np.cos(phase),
        look=-0.08 * np.sin(phase),
        left_leg=leg(phase),
        right_leg=leg(phase + np.pi),
        left_arm=hand(phase + np.pi),
        right_arm=hand(phase),
    )


def wave(seconds: float, manner: Manner) -> Posture:
    """Standing and waving with the raised right hand (or left)."""
    idle = stand_idle(seconds, manner)
    shake = np.sin(_beat(seconds, manner, 1.3))
    arm = Limb(spread=1.75 + 0.12 * shake, twist=-1.45, bend=0.95 + 0.55 * shake, end=0.25 * shake)
    waving = replace(idle, right_arm=arm, look=0.1 * np.sin(manner.phase + seconds), side=-0.06)
    return waving.mirrored() if manner.left_handed else waving


def dance(seconds: float, manner: Manner) -> Posture:
    """Dancing: every joint its own sine, all on one beat, knees soft."""
    s, strength = manner.sines, manner.vigour

    def sine(index: int, rate: float) -> float:
        return float(np.sin(_beat(seconds, manner, rate) + 2 * np.pi * s[index % len(s)]))

    bounce = 0.5 + 0.5 * sine(0, 1.9)
    weight = sine(0, 0.95)

    def arm(index: int) -> Limb:
        return Limb(
            swing=0.7 + 0.7 * strength * sine(index, 0.95),
            spread=0.75 + 0.65 * strength * sine(index + 1, 0.475),
            twist=-0.5 + 0.6 * sine(index + 2, 0.475),
            bend=1.15 + 0.75 * sine(index + 3, 0.95),
        )

    def leg(sign: float, index: int) -> Limb:
        free = max(0.0, sign * weight)
        bend = 0.22 + 0.35 * bounce + 0.8 * free * strength
        return Limb(
            swing=0.5 * bend + 0.2 * free * sine(index, 0.95),
            spread=0.16 + 0.14 * free,
            twist=-0.15,
            bend=bend,
            end=-0.1 * free,
        )

    return Posture(
        turn=0.35 * sine(1, 0.24),
        side=0.16 * weight * strength,
        wring=0.3 * sine(2, 0.475),
        roll=-0.04 * weight,
        bow=0.08 + 0.08 * bounce,
        look=-0.25 * sine(2, 0.475),
        tilt=0.12 * sine(3, 0.95),
        nod=0.12 * bounce,
        left_arm=arm(4),
        right_arm=arm(8),
        left_leg=leg(1, 5),
        right_leg=leg(-1, 9),
    )


def jumping_jacks(seconds: float, manner: Manner) -> Posture:
    """Jumping with arms and legs apart and together."""
    phase = _beat(seconds, manner, 0.9)
    apart = 0.5 - 0.5 * np.cos(phase)
    soft = 0.25 * np.cos(phase * 2) + 0.25
    arm = Limb(spread=0.12 + 2.6 * apart, bend=0.25)
    leg = Limb(spread=0.05 + 0.42 * apart, swing=0.5 * soft, bend=soft)
    return Posture(
        lift=0.13 * abs(np.sin(phase)),
        left_arm=arm,
        right_arm=arm,
        left_leg=leg,
        right_leg=leg,
    )


def spin(seconds: float, manner: Manner) -> Posture:
    """Turning on the spot with open arms."""
    phase = _beat(seconds, manner, 0.35)
    arm = Limb(spread=0.5 + 0.35 * np.sin(phase * 2), bend=0.4)
    left, right = (Limb(swing=0.15 * s, spread=0.08, bend=0.2) for s in (np.sin(3 * phase), 0.5))
    direction = -1.0 if manner.left_handed else 1.0
    return Posture(
        turn=direction * phase, left_arm=arm, right_arm=arm, left_leg=left, right_leg=right
    )


def squat(seconds: float, manner: Manner) -> Posture:
    """Knee bends with the arms stretched forward."""
    down = 0.5 - 0.5 * np.cos(_beat(seconds, manner, 0.45))
    arm = Limb(swing=0.1 + 1.4 * down, spread=0.12, bend=0.1)
    leg = Limb(swing=1.75 * down, spread=0.14 + 0.15 * down, bend=1.95 * down, end=0.35 * down)
    return Posture(
        lean=0.45 * down, nod=-0.3 * down, left_arm=arm, right_arm=arm, left_leg=leg, right_leg=leg
    )


def stretch(seconds: float, manner: Manner) -> Posture:
    """Bending to one side and the other with an arm overhead."""
    bent = float(np.sin(_beat(seconds, manner, 0.25)))
    over, down = max(0.0, bent), max(0.0, -bent)
    return Posture(
        side=-0.55 * bent,
        left_arm=Limb(spread=0.2 + 2.6 * over, bend=0.3),
        right_arm=Limb(spread=0.2 + 2.6 * down, bend=0.3),
        left_leg=Limb(spread=0.25),
        right_leg=Limb(spread=0.25),
    )


def kick(seconds: float, manner: Manner) -> Posture:
    """Kicking an imagined ball again and again."""
    phase = _beat(seconds, manner, 0.5)
    back, front = max(0.0, float(np.sin(phase))), max(0.0, float(-np.sin(phase)))
    kicking = Posture(
        lean=0.12 * back - 0.15 * front,
        right_leg=Limb(swing=1.3 * front - 0.6 * back, spread=0.08, bend=0.2 + 1.2 * back),
        left_leg=Limb(swing=0.1, spread=0.06, bend=0.2),
        left_arm=Limb(swing=0.9 * front - 0.2, spread=0.7, bend=0.4),
        right_arm=Limb(swing=0.5 * back - 0.3, spread=0.6, bend=0.4),
    )
    return kicking.mirrored() if manner.left_handed else kicking


MOTIONS: dict[str, Motion] = {
    "idle": stand_idle,
    "walk": walk,
    "run": run,
    "wave": wave,
    "dance": dance,
    "jacks": jumping_jacks,
    "spin": spin,
    "squat": squat,
    "stretch": stretch,
    "kick": kick,
}


def blend(first: Posture, second: Posture, share: float) -> Posture:
    """The posture `share` of the way from the first to the second; `turn` goes the short way."""

    def mixed(one: float, other: float) -> float:
        return one + (other - one) * share

    values: dict[str, Any] = {}
    for field in fields(Posture):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, Limb):
            pairs = ((getattr(one, f.name), getattr(other, f.name)) for f in fields(Limb))
            values[field.name] = Limb(*(mixed(*pair) for pair in pairs))
        else:
            values[field.name] = mixed(one, other)
    around = (second.turn - first.turn + np.pi) % (2 * np.pi) - np.pi
    return Posture(**{**values, "turn": first.turn + around * share})
