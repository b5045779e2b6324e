"""Draws a dressed figure on a canvas and says where its keypoints are and which are seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.frame import Image
from data.pose import Floats
from data.skeleton import FSPOSE_19
from data.synthetic.body import Figure, Rotation, Vector, about_x
from data.synthetic.canvas import FAR, Canvas
from data.synthetic.dress import Outfit

# Half widths and depths in heights, from the upper to the lower end, of a body of girth 1.
_UPPER_ARM = (0.0270, 0.0300, 0.0290, 0.0260, 0.0240)
_FOREARM = (0.0240, 0.0250, 0.0225, 0.0185, 0.0160)
_THIGH = (0.0530, 0.0545, 0.0500, 0.0430, 0.0370)
_SHIN = (0.0345, 0.0375, 0.0350, 0.0270, 0.0215)
_PELVIS = ((0.060, 0.090, 0.097, 0.090, 0.081), (0.036, 0.058, 0.064, 0.060, 0.055))
_CHEST = ((0.080, 0.084, 0.091, 0.098, 0.102, 0.094), (0.055, 0.059, 0.064, 0.066, 0.062, 0.046))
_YOKE = (0.031, 0.031, 0.028)
_NECK = (0.034, 0.0285, 0.029, 0.030)

# How far a keypoint's own flesh reaches towards the viewer, and how much nearer something may lie
# before it counts as in front, both in heights.
_FLESH = {
    "nose": (0.012, 0.014),
    "eye": (0.004, 0.016),
    "ear": (0.010, 0.014),
    "shoulder": (0.032, 0.05),
    "elbow": (0.026, 0.03),
    "wrist": (0.017, 0.03),
    "hip": (0.060, 0.055),
    "knee": (0.036, 0.035),
    "ankle": (0.024, 0.035),
    "head_top": (0.03, 0.06),
    "head_bottom": (0.030, 0.05),
}
_PARTS = tuple(
    name.partition("_")[2] if "_" in name and not name.startswith("head") else name
    for name in FSPOSE_19.keypoints
)
_FLIP = np.diag([1.0, -1.0, 1.0])  # pictures count downwards


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a figure stands in a picture: pixels per metre, and the pixel of its ground point.

    `elevation` is the angle in radians from which the camera looks down on it.
    """

    scale: float
    x: float
    y: float
    elevation: float = 0.0

    def enlarged(self, factor: float) -> Placing:
        """The same on a canvas with `factor` times as many pixels; pixel centres keep theirs."""
        shift = (factor - 1) / 2
        return Placing(
            self.scale * factor, self.x * factor + shift, self.y * factor + shift, self.elevation
        )

    def project(self, figure: Figure) -> dict[str, Vector]:
        """Every named point as x, y in pixels and depth in pixels towards the viewer."""
        names = list(figure.points)
        world = np.stack([figure.points[name] for name in names])
        seen = world @ (_FLIP @ about_x(self.elevation)).T * self.scale + [self.x, self.y, 0.0]
        return dict(zip(names, seen, strict=True))

    def frames(self, figure: Figure) -> dict[str, Rotation]:
        """Every segment's frame in the picture's axes."""
        turn = _FLIP @ about_x(self.elevation)
        return {name: turn @ frame for name, frame in figure.frames.items()}


def keypoints(figure: Figure, placing: Placing) -> Floats:
    """(19, 2): the keypoints of FSPOSE_19 in pixels."""
    seen = placing.project(figure)
    return np.array([seen[name][:2] for name in FSPOSE_19.keypoints], np.float32)


def unhidden(canvas: Canvas, figure: Figure, placing: Placing) -> NDArray[np.bool_]:
    """(19,): which keypoints nothing on the canvas hides; true for those outside of it."""
    seen = placing.project(figure)
    unit = figure.build.height * placing.scale
    height, width = canvas.depth.shape
    free = np.ones(len(FSPOSE_19), bool)
    for index, (name, part) in enumerate(zip(FSPOSE_19.keypoints, _PARTS, strict=True)):
        x, y = round(float(seen[name][0])), round(float(seen[name][1]))
        if not (0 <= x < width and 0 <= y < height):
            continue
        flesh, margin = _FLESH[part]
        free[index] = canvas.depth[y, x] < seen[name][2] + (flesh + margin) * unit
    return free


def draw(canvas: Canvas, figure: Figure, outfit: Outfit, placing: Placing) -> None:
    """Draw a person; `canvas` need not be empty."""
    _Painter(canvas, figure, outfit, placing).all()


class _Painter:
    """One figure in one place: what the parts of a body share while they are drawn."""

    def __init__(self, canvas: Canvas, figure: Figure, outfit: Outfit, placing: Placing) -> None:
        self.canvas, self.outfit, self.build = canvas, outfit, figure.build
        self.points, self.frames = placing.project(figure), placing.frames(figure)
        self.unit = figure.build.height * placing.scale

    def all(self) -> None:
        self.trunk()
        for side in ("left", "right"):
            self.arm(side)
            self.leg(side)
        if self.outfit.skirt:
            self.skirt()
        self.head()

    def limb(
        self, start: str, end: str, frame: str, radii: tuple[float, ...], cloth: Image, loose: float
    ) -> None:
        """A round limb between two named points."""
        size = np.array(radii) * self.unit * self.build.girth
        size += loose * self.unit
        self.canvas.tube(
            self.points[start],
            self.points[end],
            widths=size,
            depths=size,
            caps=(float(size[0]), float(size[-1])),
            frames=(self.frames[frame], self.frames[frame]),
            cloth=cloth,
        )
        flat = self.points[end] - self.points[start]
        if np.hypot(flat[0], flat[1]) < 1.5 * size.max():  # seen along its length
            for point, radius, row in ((start, size[0], 0), (end, size[-1], -1)):
                self.ball(point, (radius,) * 3, frame, cloth[row][None])

    def ball(
        self,
        center: str | Vector,
        radii: tuple[float, ...],
        frame: str,
        cloth: Image,
        holes: NDArray[np.bool_] | None = None,
    ) -> None:
        """An ellipsoid of radii in pixels at a named point, or at one in pixels."""
        at = self.points[center] if isinstance(center, str) else center
        self.canvas.ball(at, np.array(radii), self.frames[frame], cloth, holes)

    def offset(self, point: str, frame: str, x: float, y: float, z: float) -> Vector:
        """A point moved along a frame's left, up and forward, in heights."""
        moved = self.points[point] + self.frames[frame] @ (np.array([x, y, z]) * self.unit)
        return np.asarray(moved)

    def trunk(self) -> None:
        unit, build, outfit = self.unit, self.build, self.outfit
        stout = build.girth
        loose = outfit.loose * unit
        pelvis, waist, neck = self.points["pelvis"], self.points["waist"], self.points["neck"]
        crotch = pelvis - self.frames["pelvis"][:, 1] * 0.028 * unit
        middle = self.frames["pelvis"], self.frames["chest"]
        self.canvas.tube(
            crotch,
            waist,
            widths=np.array(_PELVIS[0]) * unit * stout * build.hips + loose,
            depths=np.array(_PELVIS[1]) * unit * stout + loose,
            caps=(0.03 * unit, 0.02 * unit),
            frames=(self.frames["pelvis"], self.frames["pelvis"]),
            cloth=outfit.pelvis,
        )
        wide = np.array(_CHEST[0]) * unit * (0.5 + 0.5 * stout)
        wide *= np.linspace(build.hips, build.shoulders, len(wide))
        self.canvas.tube(
            waist,
            neck - self.frames["chest"][:, 1] * 0.016 * unit,
            widths=wide + loose,
            depths=np.array(_CHEST[1]) * unit * stout + loose,
            caps=(0.02 * unit, 0.028 * unit),
            frames=middle,
            cloth=outfit.chest,
        )
        for side in ("left", "right"):  # from the neck down to the shoulder
            self.limb("neck", f"{side}_shoulder", "chest", _YOKE, outfit.chest[28:34], outfit.loose)
        self.limb("neck", "head_bottom", "chest", _NECK, outfit.neck, 0)
        if build.bust:
            at = self.offset("ribs", "chest", 0, 0.012, 0.022 * stout)
            size = unit * 0.050 * (0.75 + 0.25 * build.bust) * stout
            self.ball(at, (size * 1.55, size, size), "chest", outfit.chest[20:26])
        for sign in () if outfit.skirt else (-1, 1):  # the seat
            at = self.offset("pelvis", "pelvis", sign * 0.042, -0.012, -0.022)
            size = unit * 0.050 * stout * build.hips
            self.ball(at, (size, size * 1.1, size), "pelvis", outfit.pelvis[4:10])
        if outfit.backpack is not None:
            at = self.offset("ribs", "chest", 0, 0.01, -0.1)
            self.ball(at, (0.085 * unit, 0.11 * unit, 0.055 * unit), "chest", outfit.backpack)

    def arm(self, side: str) -> None:
        outfit, unit = self.outfit, self.unit
        upper = outfit.loose * min(1.0, outfit.sleeve)
        lower = outfit.loose * float(np.clip(outfit.sleeve - 1, 0, 1))
        shoulder, elbow, wrist = (f"{side}_{name}" for name in ("shoulder", "elbow", "wrist"))
        self.limb(shoulder, elbow, f"{side}_upper_arm", _UPPER_ARM, outfit.upper_arm, upper)
        self.limb(elbow, wrist, f"{side}_forearm", _FOREARM, outfit.forearm, lower)
        hand, stout = f"{side}_hand", 0.5 + 0.5 * self.build.girth
        palm = (0.022 * unit * stout, 0.047 * unit, 0.013 * unit * stout)
        self.ball(hand, palm, hand, outfit.hand)
        sign = 1.0 if side == "left" else -1.0
        thumb = self.offset(hand, hand, -sign * 0.006, 0.014, 0.02)
        self.ball(thumb, (0.009 * unit, 0.024 * unit, 0.012 * unit), hand, outfit.hand)
        if side == "left" and outfit.band is not None:
            self.ball(wrist, (0.024 * unit * stout,) * 3, f"{side}_forearm", outfit.band)

    def leg(self, side: str) -> None:
        outfit, unit = self.outfit, self.unit
        upper = outfit.loose * min(1.0, outfit.trouser)
        lower = 1.4 * outfit.loose * float(np.clip(outfit.trouser - 1, 0, 1))
        hip, knee, ankle = (f"{side}_{name}" for name in ("hip", "knee", "ankle"))
        self.limb(hip, knee, f"{side}_thigh", _THIGH, outfit.thigh, upper)
        self.limb(knee, ankle, f"{side}_shin", _SHIN, outfit.shin, lower)
        foot = self.frames[f"{side}_foot"]
        size = np.array([0.023, 0.026, 0.028, 0.027, 0.021]) * unit
        self.canvas.tube(
            self.points[f"{side}_heel"],
            self.points[f"{side}_toe"],
            widths=size,
            depths=size * 0.72,
            caps=(0.016 * unit, 0.02 * unit),
            # Along the foot, "front" is its upper side.
            frames=(foot[:, [0, 2, 1]], foot[:, [0, 2, 1]]),
            cloth=outfit.shoe,
        )
        self.ball(
            self.offset(f"{side}_ankle", f"{side}_foot", 0, -0.012, 0.004),
            (0.024 * unit, 0.022 * unit, 0.032 * unit),
            f"{side}_foot",
            outfit.shoe,
        )

    def skirt(self) -> None:
        """A cone from the waist to a hem, wide enough for both legs."""
        unit, frame, stout = self.unit, self.frames["pelvis"], self.build.girth
        along = self.outfit.skirt * 2  # 1 is the knee, 2 the ankle
        hems, legs = [], []
        for side in ("left", "right"):
            hip, knee, ankle = (self.points[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
            hem = hip + (knee - hip) * min(along, 1) + (ankle - knee) * max(along - 1, 0)
            hems.append(hem)
            legs += [hem, knee] if along > 1 else [hem]
        end = (hems[0] + hems[1]) / 2
        apart = np.abs((np.array(legs) - end) @ frame)  # to the side, along, to the front
        wide = float(apart[:, 0].max()) + 0.060 * unit * stout
        deep = float(apart[:, 2].max()) + 0.066 * unit * stout
        hips = stout * self.build.hips * unit
        self.canvas.tube(
            self.offset("pelvis", "pelvis", 0, 0.06, 0),
            end,
            widths=np.array([0.085 * hips, max(0.112 * hips, 0.95 * wide), wide, wide * 1.08]),
            depths=np.array([0.064 * hips, max(0.084 * hips, 0.95 * deep), deep, deep]),
            caps=(0.015 * unit, 0.004 * unit),
            frames=(frame, frame),
            cloth=self.outfit.skirt_cloth,
        )

    def head(self) -> None:
        outfit = self.outfit
        size = self.build.head * self.unit
        self.ball("head", (0.0470 * size, 0.0735 * size, 0.0590 * size), "head", outfit.face)
        jaw = self.offset("head", "head", 0, -0.030 * self.build.head, 0.016 * self.build.head)
        chin = outfit.face[60:92]
        self.ball(jaw, (0.0365 * size, 0.043 * size, 0.0415 * size), "head", chin)
        nose = self.offset("nose", "head", 0, 0.004 * self.build.head, -0.008 * self.build.head)
        skin = outfit.neck
        self.ball(nose, (0.0085 * size, 0.0150 * size, 0.0125 * size), "head", skin)
        for side in ("left", "right"):
            self.ball(f"{side}_ear", (0.006 * size, 0.0165 * size, 0.0105 * size), "head", skin)
        self.hair()
        self.hat()

    def hair(self) -> None:
        outfit, head = self.outfit, self.build.head
        size, style = self.build.head * self.unit, self.outfit.hairstyle
        thick = 1.18 if style == "curly" else 1.07
        crown = self.offset("head", "head", 0, 0.003 * head, -0.004 * head)
        radii = (0.0490 * thick * size, 0.0745 * thick * size, 0.0600 * thick * size)
        self.ball(crown, radii, "head", outfit.hair, outfit.hair_holes)
        if style == "long":
            fall = self.offset("head", "head", 0, -0.052 * head, -0.036 * head)
            self.ball(fall, (0.05 * size, 0.088 * size, 0.030 * size), "head", outfit.hair)
        if style == "bun":
            bun = self.offset("head", "head", 0, 0.05 * head, -0.058 * head)
            self.ball(bun, (0.027 * size,) * 3, "head", outfit.hair)
        if style == "tail":
            tail = self.offset("head", "head", 0, -0.03 * head, -0.075 * head)
            self.ball(tail, (0.019 * size, 0.07 * size, 0.02 * size), "head", outfit.hair)

    def hat(self) -> None:
        outfit, head, size = self.outfit, self.build.head, self.build.head * self.unit
        if outfit.hat == "none":
            return
        at = self.offset("head", "head", 0, 0.026 * head, -0.003 * head)
        holes = np.zeros(outfit.hat_cloth.shape[:2], bool)
        holes[int(len(holes) * 0.54) :] = True
        self.ball(
            at, (0.0545 * size, 0.0585 * size, 0.0670 * size), "head", outfit.hat_cloth, holes
        )
        if outfit.hat == "cap":
            peak = self.offset("head", "head", 0, 0.027 * head, 0.068 * head)
            self.ball(peak, (0.038 * size, 0.006 * size, 0.04 * size), "head", outfit.hat_cloth)


def silhouette(canvas: Canvas) -> NDArray[np.bool_]:
    """(H, W): where anything is drawn."""
    return canvas.depth > FAR / 2
