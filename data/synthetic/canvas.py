"""Canvas: a small z-buffer on which tubes and balls are drawn, shaded and wrapped in cloth.

Every shape is solved per pixel, with its depth towards the viewer. Limbs therefore hide each other
where they really do, and whether a keypoint is seen can be read off the depths.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data.frame import Image
from data.pose import Floats
from data.synthetic.body import Rotation, Vector

FAR = -1e9
COLUMNS = 48  # how finely a tube's visible half is sampled across
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Light:
    """Where light comes from: a unit direction in x right, y down, z towards the viewer."""

    direction: tuple[float, float, float] = (-0.42, -0.62, 0.66)
    ambient: float = 0.52

    def shade(self, x: Doubles, y: Doubles, z: Doubles) -> Doubles:
        """Brightness, about 0.4..1.15, of surfaces with these unit normals."""
        dx, dy, dz = self.direction
        facing = x * dx + y * dy + z * dz
        # Light wraps round edges, as it does outdoors; edges turn slightly darker.
        soft = np.clip(facing * 0.75 + 0.25, 0, 1)
        return np.asarray(self.ambient + (1.12 - self.ambient) * soft - 0.10 * (1 - z) ** 2)


def random_light(rng: np.random.Generator) -> Light:
    """Light from somewhere above, hard or soft."""
    direction = np.array([rng.normal(0, 0.6), -rng.uniform(0.2, 1.0), rng.uniform(0.3, 1.0)])
    direction /= np.linalg.norm(direction)
    x, y, z = (float(value) for value in direction)
    return Light((x, y, z), float(rng.uniform(0.38, 0.66)))


class Canvas:
    """Colour (H, W, 3) uint8 and depth (H, W) float32 in pixels towards the viewer."""

    def __init__(self, width: int, height: int, light: Light) -> None:
        self.color: Image = np.zeros((height, width, 3), np.uint8)
        self.depth: Floats = np.full((height, width), FAR, np.float32)
        self.light = light

    def tube(
        self,
        start: Vector,
        end: Vector,
        *,
        widths: Doubles,
        depths: Doubles,
        caps: tuple[float, float],
        frames: tuple[Rotation, Rotation],
        cloth: Image,
    ) -> None:
        """A limb or trunk from `start` to `end` (3,), in pixels.

        `widths` and `depths` (K,) are the half axes of its elliptic sections, evenly spaced, along
        the left and forward columns of `frames`, which blend from start to end. `caps` say how far
        the rounded ends reach. `cloth` (V, U, 3) is wrapped round it: rows from start to end, the
        middle column in front, the column at a quarter on the right.
        """
        step = end - start
        length = max(float(np.hypot(step[0], step[1])), 0.5)
        along = step[:2] / length if length > 0.5 else np.array([0.0, 1.0])
        across = np.array([-along[1], along[0]])
        low, high = -caps[0], length + caps[1]
        count = int(np.clip(high - low, 8, 600)) + 2
        x = np.linspace(low, high, count)
        t = np.clip(x / length, 0, 1)
        knots = np.linspace(0, 1, len(widths))
        shrink = np.sqrt(np.clip(1 - (np.minimum(x, 0) / max(caps[0], 1e-6)) ** 2, 1e-6, 1))
        shrink *= np.sqrt(
            np.clip(1 - (np.maximum(x - length, 0) / max(caps[1], 1e-6)) ** 2, 1e-6, 1)
        )
        w, d = np.interp(t, knots, widths) * shrink, np.interp(t, knots, depths) * shrink
        left = frames[0][:, 0, None] * (1 - t) + frames[1][:, 0, None] * t
        front = frames[0][:, 2, None] * (1 - t) + frames[1][:, 2, None] * t
        l1, l2 = across @ left[:2], left[2]
        f1, f2 = across @ front[:2], front[2]
        a = (w * l1) ** 2 + (d * f1) ** 2 + 1e-6
        b = w * w * l1 * l2 + d * d * f1 * f2
        c = (w * l2) ** 2 + (d * f2) ** 2
        reach = np.sqrt(a)
        bulge = np.sqrt(np.maximum(c - b * b / a, (0.3 * np.minimum(w, d)) ** 2))
        # One row of pixels along the axis is one entry; the first and last draw nothing.
        inverse = (1 / reach).astype(np.float32)
        inverse[[0, -1]] = 1e6
        middle = count // 2
        strip = self._strip(
            cloth,
            np.array([l1[middle] * w[middle], f1[middle] * d[middle]]),
            np.array([l2[middle] * w[middle], f2[middle] * d[middle]]),
            across,
            step,
        )
        ends = np.stack([start[:2] + along * low, start[:2] + along * high])
        view = self._view(ends, float(reach.max()))
        if view is None:
            return
        rows, columns, xs, ys = view
        xs, ys = xs - float(start[0]), ys - float(start[1])
        ratio = (count - 1) / (high - low)
        place = xs * np.float32(along[0] * ratio) + ys * np.float32(along[1] * ratio)
        place = np.clip(place + np.float32(0.5 - low * ratio), 0, count - 1).astype(np.int32)
        side = xs * np.float32(across[0]) + ys * np.float32(across[1])
        q = side * inverse[place]
        hit = np.flatnonzero(np.abs(q) < 1)
        if not len(hit):
            return
        place, q = place.ravel()[hit], q.ravel()[hit]
        base = (start[2] + step[2] * t).astype(np.float32)
        slope, bulge = (b / reach).astype(np.float32), bulge.astype(np.float32)
        z = base[place] + slope[place] * q + bulge[place] * np.sqrt(1 - q * q)
        row = (t * (len(cloth) - 1e-3)).astype(np.int32)[place]
        column = ((q + 1) * (COLUMNS / 2 - 1e-3)).astype(np.int32)
        self._put(rows, columns, hit, z, strip, row * COLUMNS + column)

    def ball(
        self,
        center: Vector,
        radii: Vector,
        frame: Rotation,
        cloth: Image,
        holes: NDArray[np.bool_] | None = None,
    ) -> None:
        """An ellipsoid with half axes `radii` (3,) along the columns of `frame`, in pixels.

        `cloth` (V, U, 3) is wrapped round it: rows from top to bottom by height, the middle column
        in front. Nothing is drawn where `holes` (V, U) is true.
        """
        # The ellipsoid |M (x, y, z)| = 1 cut by the line of sight through (x, y).
        m = (frame / radii).T
        k = m.T @ m
        outline = np.linalg.inv(k)[:2, :2]
        view = self._view(center[None, :2], float(np.sqrt(outline.diagonal().max())))
        if view is None:
            return
        rows, columns, xs, ys = view
        xs, ys = xs - np.float32(center[0]), ys - np.float32(center[1])
        k = k.astype(np.float32)
        half = k[0, 2] * xs + k[1, 2] * ys
        rest = (k[0, 0] * xs) * xs + (2 * k[0, 1] * xs + k[1, 1] * ys) * ys - 1
        root = half * half - k[2, 2] * rest
        hit = np.flatnonzero(root > 0)
        if not len(hit):
            return
        height, width = len(rows), len(columns)
        x = np.broadcast_to(xs, (height, width)).ravel()[hit]
        y = np.broadcast_to(ys, (height, width)).ravel()[hit]
        z = (np.sqrt(root.ravel()[hit]) - half.ravel()[hit]) / k[2, 2]
        m = m.astype(np.float32)
        local = m @ np.stack([x, y, z])
        size_v, size_u = cloth.shape[:2]
        angle = cv2.phase(local[2], local[0]).ravel()  # 0 in front, a quarter at the own left
        u = ((angle * np.float32(1 / (2 * np.pi)) + 0.5) % 1 * (size_u - 0.01)).astype(np.int32)
        v = ((1 - local[1]) * np.float32(0.4999 * size_v)).clip(0, size_v - 1).astype(np.int32)
        texel = v * size_u + u
        normal = m.T @ local
        normal /= np.sqrt((normal * normal).sum(0))
        shade = self.light.shade(normal[0], normal[1], normal[2]).astype(np.float32)
        if holes is not None:
            kept = ~holes.ravel()[texel]
            hit, z, texel, shade = hit[kept], z[kept], texel[kept], shade[kept]
        self._put(rows, columns, hit, z + np.float32(center[2]), cloth, texel, shade)

    def soften(self, strength: float) -> None:
        """Darken what lies just behind something nearer, as bodies shade themselves."""
        depth = np.ascontiguousarray(self.depth[::2, ::2])  # soft enough for half the pixels
        solid = (depth > FAR / 2).astype(np.float32)
        if not solid.any():
            return
        depth *= solid
        radius = max(1.0, 0.02 * float(np.ptp(np.flatnonzero(solid.any(1)))))
        weight = cv2.GaussianBlur(solid, (0, 0), radius) + np.float32(1e-6)
        near = cv2.GaussianBlur(depth, (0, 0), radius) / weight
        hollow = np.clip((near - depth) / np.float32(10 * radius), 0, 1) * solid
        height, width = self.depth.shape
        hollow = cv2.resize(hollow, (width, height), interpolation=cv2.INTER_LINEAR)
        factor = 1 - np.float32(strength) * np.asarray(hollow, np.float32)
        self.color = (self.color * factor[..., None]).astype(np.uint8)

    def _view(self, points: Vector, reach: float) -> tuple[range, range, Floats, Floats] | None:
        """The part of the canvas within `reach` of points: its rows, columns and coordinates."""
        height, width = self.depth.shape
        low, high = points.min(0) - reach - 1, points.max(0) + reach + 2
        left, top = max(0, int(low[0])), max(0, int(low[1]))
        right, bottom = min(width, int(high[0])), min(height, int(high[1]))
        if left >= right or top >= bottom:
            return None
        xs = np.arange(left, right, dtype=np.float32)[None]
        ys = np.arange(top, bottom, dtype=np.float32)[:, None]
        return range(top, bottom), range(left, right), xs, ys

    def _strip(
        self, cloth: Image, flat: Vector, deep: Vector, across: Vector, step: Vector
    ) -> Image:
        """The visible half of a wrapped cloth, shaded: (V, COLUMNS, 3).

        `flat` and `deep` are the parts of the section's left and forward half axes across the
        picture and towards the viewer.
        """
        q = (np.arange(COLUMNS) + 0.5) / COLUMNS * 2 - 1
        shift = np.arctan2(flat[1], flat[0])
        angle = np.arcsin(q) - shift
        if deep[0] * np.sin(-shift) + deep[1] * np.cos(-shift) < 0:
            angle = np.pi - np.arcsin(q) - shift
        size = cloth.shape[1]
        column = ((angle / (2 * np.pi) + 0.5) % 1 * size).astype(np.int64) % size
        axis = step / max(float(np.linalg.norm(step)), 1e-6)
        outward = np.array([0, 0, 1.0]) - axis * axis[2]
        outward /= max(float(np.linalg.norm(outward)), 1e-6)
        z = np.sqrt(1 - q * q)
        normal = np.array([*across, 0.0])[:, None] * q + outward[:, None] * z
        shade = self.light.shade(normal[0], normal[1], np.abs(normal[2]))
        strip = cloth[:, column] * shade.astype(np.float32)[None, :, None]
        return np.asarray(np.minimum(strip, 255), np.uint8)

    def _put(
        self,
        rows: range,
        columns: range,
        hit: NDArray[np.intp],
        z: Floats,
        cloth: Image,
        texel: NDArray[np.int32],
        shade: Floats | None = None,
    ) -> None:
        """Store the pixels of a view that are nearer than what is there."""
        width = len(columns)
        flat = (hit // width + rows.start) * self.depth.shape[1] + hit % width + columns.start
        depth = self.depth.reshape(-1)
        nearer = np.flatnonzero(z > depth[flat])
        flat, texel = flat[nearer], texel[nearer]
        depth[flat] = z[nearer]
        color = cloth.reshape(-1, 3)[texel]
        if shade is not None:
            color = np.minimum(color * shade[nearer, None], 255).astype(np.uint8)
        self.color.reshape(-1, 3)[flat] = color
