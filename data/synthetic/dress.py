"""Outfit: skin, face, hair and clothes of a person, as small images to be wrapped round it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data.frame import Image

ROWS, COLUMNS = 40, 64  # of a limb's cloth
FACE_ROWS, FACE_COLUMNS = 96, 192
Color = tuple[float, float, float]

_SKINS: tuple[Color, ...] = (
    (244, 208, 183),
    (231, 188, 158),
    (219, 168, 133),
    (198, 145, 108),
    (165, 114, 80),
    (128, 85, 58),
    (96, 62, 43),
)
_HAIRS: tuple[Color, ...] = (
    (28, 22, 20),
    (46, 32, 24),
    (74, 50, 33),
    (112, 76, 44),
    (178, 136, 82),
    (150, 72, 38),
    (170, 168, 165),
)
_PLAIN_CLOTHS: tuple[Color, ...] = (
    (34, 36, 42),
    (232, 230, 226),
    (46, 62, 96),
    (70, 92, 130),
    (120, 122, 124),
    (150, 126, 96),
    (74, 84, 62),
    (124, 36, 42),
)
PATTERNS = ("plain", "rings", "stripes", "checks", "dots", "speckle", "halves", "print")
HAIRSTYLES = ("short", "long", "bun", "tail", "curly", "bald")
HATS = ("none", "cap", "beanie")


@dataclass(frozen=True, slots=True, eq=False)
class Outfit:
    """Everything a person wears, its face and hair included.

    The images are (rows, columns, 3): a limb's from its upper to its lower end, the chest's from
    the waist up, the pelvis's from the crotch up. `sleeve` and `trouser` say how far the cloth
    reaches: 0 none, 1 to elbow or knee, 2 to wrist or ankle. `skirt` is the hem as a fraction of
    the way from hip to ankle, 0 for none. `loose` is the cloth's distance from the body in heights.
    `band` is the colour of a wristband on the left, or None.
    """

    chest: Image
    pelvis: Image
    upper_arm: Image
    forearm: Image
    thigh: Image
    shin: Image
    neck: Image
    hand: Image
    shoe: Image
    skirt_cloth: Image
    face: Image
    hair: Image
    hair_holes: NDArray[np.bool_]
    hat_cloth: Image
    sleeve: float
    trouser: float
    skirt: float
    loose: float
    hairstyle: str
    hat: str
    backpack: Image | None = None
    band: Image | None = None

    @classmethod
    def random(cls, rng: np.random.Generator) -> Outfit:
        """Someone's clothes; every part drawn from `rng`."""
        skin = _vary(rng, _SKINS[rng.integers(len(_SKINS))], 8)
        hair_color = _vary(rng, _HAIRS[rng.integers(len(_HAIRS))], 8)
        top, accent, bottom = _cloth_color(rng), _cloth_color(rng), _cloth_color(rng, 0.7)
        pattern = PATTERNS[rng.choice(len(PATTERNS), p=_WEIGHTS)]
        sleeve = float(rng.choice([0.0, 0.45, 0.6, 1.0, 1.5, 2.0, 2.0]))
        trouser = float(rng.choice([0.5, 0.9, 1.4, 2.0, 2.0, 2.0, 2.0]))
        skirt = float(rng.choice([0.3, 0.45, 0.7])) if rng.random() < 0.16 else 0.0
        hairstyle = HAIRSTYLES[rng.choice(len(HAIRSTYLES), p=(0.42, 0.22, 0.08, 0.1, 0.1, 0.08))]
        hat = HATS[rng.choice(len(HATS), p=(0.82, 0.11, 0.07))]
        flesh = _weave(rng, skin, skin, "plain", 0.03)
        shirt = _weave(rng, top, accent, pattern, 0.10)
        plain_shirt = _weave(rng, top, accent, "plain" if pattern == "print" else pattern, 0.10)
        stuff = _weave(rng, bottom, accent, "speckle" if rng.random() < 0.2 else "plain", 0.10)
        dress = skirt > 0 and rng.random() < 0.5
        lower = plain_shirt if dress else stuff
        legs = 0.0 if skirt else trouser
        bare = flesh if rng.random() < 0.7 else _weave(rng, _cloth_color(rng, 0.8), top, "plain")
        hair, holes = _hair(rng, hair_color, hairstyle)
        return cls(
            chest=_neckline(rng, shirt, flesh),
            pelvis=_belt(rng, lower, plain_shirt),
            upper_arm=_sleeved(plain_shirt, flesh, sleeve),
            forearm=_sleeved(plain_shirt, flesh, sleeve - 1),
            thigh=_sleeved(stuff, bare, legs),
            shin=_socks(rng, _sleeved(stuff, bare, legs - 1), legs),
            neck=flesh,
            hand=flesh,
            shoe=_weave(rng, _cloth_color(rng, 0.85), (235, 235, 235), "plain", 0.12),
            skirt_cloth=lower,
            face=_face(rng, skin, hair_color),
            hair=hair,
            hair_holes=holes,
            hat_cloth=_weave(rng, _cloth_color(rng), accent, "plain"),
            sleeve=sleeve,
            trouser=legs,
            skirt=skirt,
            loose=float(rng.choice([0.001, 0.003, 0.006])),
            hairstyle=hairstyle,
            hat=hat,
            backpack=_weave(rng, _cloth_color(rng), accent, "halves")
            if rng.random() < 0.08
            else None,
        )


_WEIGHTS = (0.38, 0.12, 0.09, 0.1, 0.05, 0.1, 0.06, 0.1)


def swatch(color: Color) -> Image:
    """A cloth of one flat colour."""
    return np.full((ROWS, COLUMNS, 3), color, np.uint8)


def _vary(rng: np.random.Generator, color: Color, spread: float) -> Color:
    r, g, b = np.clip(np.array(color) + rng.normal(0, spread, 3), 5, 250)
    return float(r), float(g), float(b)


def _cloth_color(rng: np.random.Generator, muted: float = 0.45) -> Color:
    """A colour of clothes; `muted` is how often it is black, white, grey, navy, khaki or wine."""
    if rng.random() < muted:
        return _vary(rng, _PLAIN_CLOTHS[rng.integers(len(_PLAIN_CLOTHS))], 9)
    hue, saturation, value = rng.integers(180), rng.integers(70, 215), rng.integers(90, 240)
    rgb = cv2.cvtColor(np.array([[[hue, saturation, value]]], np.uint8), cv2.COLOR_HSV2RGB)
    return float(rgb[0, 0, 0]), float(rgb[0, 0, 1]), float(rgb[0, 0, 2])


def _weave(
    rng: np.random.Generator, base: Color, accent: Color, pattern: str, folds: float = 0.08
) -> Image:
    """A cloth with a pattern and soft folds, (ROWS, COLUMNS, 3)."""
    width = int(rng.choice([4, 8, 16]))
    light = cv2.resize(
        1 + np.float32(folds) * rng.standard_normal((5, 9), np.float32),
        (COLUMNS, ROWS),
        interpolation=cv2.INTER_CUBIC,
    )
    light += np.float32(folds / 4) * rng.standard_normal((ROWS, COLUMNS), np.float32)
    cloth = np.full((ROWS, COLUMNS, 3), base, np.float32)
    if pattern != "plain":
        cloth[_marks(rng, pattern, width)] = accent
    return np.asarray(np.clip(cloth * light[..., None], 0, 255), np.uint8)


def _marks(rng: np.random.Generator, pattern: str, width: int) -> NDArray[np.bool_]:
    """(ROWS, COLUMNS): where a pattern has its second colour."""
    row, column = np.ogrid[0:ROWS, 0:COLUMNS]
    if pattern == "rings":
        marks = row // (width // 2 + 1) % 2 == 0
    elif pattern == "stripes":
        marks = column // (width // 2) % 2 == 0
    elif pattern == "checks":
        marks = (row // (width // 2 + 1) + column // (width // 2)) % 2 == 0
    elif pattern == "dots":
        marks = (row % width < width // 2) & (column % width < width // 2)
    elif pattern == "halves":
        marks = row < ROWS // 2
    elif pattern == "print":  # a picture on the chest
        marks = (abs(row - ROWS * 0.62) < ROWS * 0.15) & (abs(column - COLUMNS / 2 + 0.5) < 8)
    else:
        noise = rng.random((ROWS // 4, COLUMNS // 4), np.float32)
        marks = cv2.resize(noise, (COLUMNS, ROWS)) > 0.55
    return np.asarray(np.broadcast_to(marks, (ROWS, COLUMNS)), np.bool_)


def _sleeved(cloth: Image, skin: Image, reach: float) -> Image:
    """Cloth for the first `reach` of a limb, skin for the rest."""
    rows = round(float(np.clip(reach, 0, 1)) * ROWS)
    limb = np.concatenate([cloth[:rows], skin[rows:]])
    if 0 < rows < ROWS:  # the hem
        limb[rows - 1] = limb[rows - 1] * 0.7
    return limb


def _socks(rng: np.random.Generator, shin: Image, reach: float) -> Image:
    if reach >= 1.9 or rng.random() < 0.4:
        return shin
    start = int(ROWS * rng.uniform(0.6, 0.9))
    shin = np.array(shin)
    shin[start:] = rng.choice([[230, 230, 230], [40, 40, 44], [150, 40, 50]])
    return shin


def _neckline(rng: np.random.Generator, shirt: Image, skin: Image) -> Image:
    """The chest's cloth, with skin where the neck opens in front, and sometimes a zip."""
    chest = np.array(shirt)
    across = np.abs((np.arange(COLUMNS) + 0.5) / COLUMNS - 0.5)
    depth = float(rng.choice([0.04, 0.08, 0.16])) * np.clip(1 - (across / 0.09) ** 2, 0, 1)
    opened = np.arange(ROWS)[:, None] / ROWS > 1 - depth[None]
    chest[opened] = skin[opened]
    if rng.random() < 0.2:
        middle = COLUMNS // 2
        chest[:, middle - 1 : middle + 1] = rng.choice([[30, 30, 30], [220, 220, 220]])
    return chest


def _belt(rng: np.random.Generator, lower: Image, shirt: Image) -> Image:
    """The pelvis's cloth: trousers below, and the shirt's end above."""
    line = int(ROWS * rng.uniform(0.35, 0.95))
    pelvis = np.concatenate([lower[:line], shirt[line:]])
    if rng.random() < 0.3:
        pelvis[line - 2 : line] = (35, 28, 24)
    return pelvis


def _face(rng: np.random.Generator, skin: Color, hair: Color) -> Image:
    """The head's surface: the face in the middle column, rows by height from crown to chin."""
    tone = np.array(skin)
    face = np.full((FACE_ROWS, FACE_COLUMNS, 3), tone, np.float32)
    face *= rng.normal(1, 0.015, (FACE_ROWS, FACE_COLUMNS, 1)).astype(np.float32)
    center = FACE_COLUMNS / 2

    def spot(x: float, y: float, rx: float, ry: float, color: Color, angle: float = 0) -> None:
        at = (round((center + x) * 16), round(y * FACE_ROWS * 16))
        axes = (round(rx * 16), round(ry * FACE_ROWS * 16))
        cv2.ellipse(face, at, axes, angle, 0, 360, color, -1, cv2.LINE_AA, 4)

    def shaded(factor: float, red: float = 0) -> Color:
        r, g, b = np.clip(tone * factor + (red, 0, 0), 0, 255)
        return float(r), float(g), float(b)

    brow: Color = (hair[0] * 0.8, hair[1] * 0.8, hair[2] * 0.8)
    iris: Color = ((60, 40, 25), (70, 95, 120), (60, 85, 55))[int(rng.integers(3))]
    for side in (-1, 1):
        spot(side * 19, 0.62, 8, 0.07, shaded(1.0, 10))  # cheeks
        spot(side * 13, 0.457, 9, 0.065, shaded(0.86))  # sockets
        spot(side * 13, 0.460, 6, 0.032, (236, 232, 228))
        spot(side * 13, 0.460, 3, 0.034, iris)
        spot(side * 13, 0.460, 1.4, 0.016, (15, 12, 12))
        spot(side * 13, 0.434, 6.5, 0.010, shaded(0.55))  # lids
        spot(side * 13.5, 0.385, 8, 0.014, brow, side * 6)
    spot(0, 0.62, 6.5, 0.022, shaded(0.72))  # under the nose
    lips = rng.uniform(0.6, 0.85)
    spot(0, 0.745, 10, 0.022, (tone[0] * (lips + 0.12), tone[1] * lips * 0.8, tone[2] * lips * 0.8))
    spot(0, 0.745, 9, 0.005, shaded(0.45))
    if rng.random() < 0.22:  # a beard
        rows = np.arange(FACE_ROWS)[:, None] / FACE_ROWS
        across = np.abs(np.arange(FACE_COLUMNS)[None] - center)
        beard = (rows > 0.66 + 0.1 * (across < 9) * (rows < 0.8)) & (across < 44)
        face[beard] = face[beard] * 0.35 + np.array(brow, np.float32) * 0.65
    if rng.random() < 0.18:  # glasses
        dark = float(rng.choice([20, 60]))
        for side in (-1, 1):
            at = (round(center + side * 13), round(0.460 * FACE_ROWS))
            cv2.ellipse(face, at, (9, 7), 0, 0, 360, (dark, dark, dark), 2, cv2.LINE_AA)
    return np.asarray(np.clip(face, 0, 255), np.uint8)


def _hair(rng: np.random.Generator, color: Color, style: str) -> tuple[Image, NDArray[np.bool_]]:
    """The hair's surface round the head and where there is none: the face, and the nape's end."""
    strands = rng.normal(1, 0.12, (1, FACE_COLUMNS, 1)).astype(np.float32)
    mottle = rng.normal(1, 0.06, (FACE_ROWS, FACE_COLUMNS, 1)).astype(np.float32)
    hair = np.clip(np.array(color, np.float32) * strands * mottle, 0, 255).astype(np.uint8)
    rows = (np.arange(FACE_ROWS)[:, None] + 0.5) / FACE_ROWS
    away = np.abs((np.arange(FACE_COLUMNS)[None] + 0.5) / FACE_COLUMNS - 0.5) * 2  # 0 in front
    front = float(rng.uniform(0.24, 0.31))
    if style == "bald":
        line = np.where(away < 0.5, 0.0, 0.25 + 0.4 * (away - 0.5))
        holes = (rows > line + 0.3 * (away > 0.5)) | (rows < 0.3 * (away > 0.4)) | (away < 0.4)
        return hair, np.asarray(np.broadcast_to(holes, hair.shape[:2]))
    nape = {"short": 0.72, "curly": 0.8, "long": 1.0}.get(style, 0.7)
    temples = np.interp(
        away.ravel(),
        [0, 0.3, 0.42, 0.5, 0.62, 1],
        [front, front + 0.06, 0.45, 0.52, nape * 0.9, nape],
    )
    return hair, np.asarray(rows > temples[None])
