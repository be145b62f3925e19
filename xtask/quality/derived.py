#!/usr/bin/env python3
"""Makes test pictures of hard kinds from the free pictures: derived.py PICTURE OUT STEP...

Each step is a name in `STEPS`; the steps run in the given order: `derived.py obama.jpg obama-dim.png dim`. Steps that
change the light work on linear values, as a lamp does. The same picture and steps give the same bytes.
"""

import sys

import cv2
import numpy as np

from face import LEFT_BROW, RIGHT_BROW, Face, eye_centres

# sRGB's transfer function: the linear value at which the curve begins, and the slope of its straight part.
CURVE_FROM, STRAIGHT = 0.0031308, 12.92
# Standard deviation, in levels, of the sensor noise that remains in a phone's photo in dim light.
DIM_NOISE = 2.5


def dim(picture):
    """A photo in a dim room: a tenth of the light, warm, with a sensor's noise."""
    dimmed = lit(picture, [0.13, 0.10, 0.07])
    grain = np.random.default_rng(1).normal(0, 1, picture.shape).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.8)
    return levels(dimmed + grain * (DIM_NOISE / grain.std()))


def violet(picture):
    """Stage light: blue from the left, magenta from the right."""
    across = np.linspace(0, 1, picture.shape[1])[None, :, None]
    colours = (1 - across) * [0.30, 0.14, 1.0] + across * [0.85, 0.10, 0.75]
    return levels(lit(picture, colours))


def blue(picture):
    """The light of a screen in the dark."""
    return levels(lit(picture, [0.10, 0.22, 0.60]))


def red(picture):
    """A red lamp: hardly any green, even less blue."""
    return levels(lit(picture, [1.0, 0.10, 0.06]))


def grey(picture):
    """A black-and-white photo."""
    return cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def dark(picture):
    """An evening: an eighth of the light, without noise, because templates are good pictures."""
    return levels(lit(picture, [0.14, 0.12, 0.10]))


def fringe(picture):
    """Dark hair from the parting over one brow, down to the corner of the eye."""
    return with_hair(picture, LEFT_BROW, 0.06)


def long_fringe(picture):
    """Dark hair from the parting over the other brow, with its tips in front of the eye."""
    return with_hair(picture, RIGHT_BROW, 0.22)


def glasses(picture):
    """Thin dark rims around both eyes."""
    return with_glasses(picture, (38, 34, 32), 0.022)


def gold_glasses(picture):
    """Thin bright rims around both eyes."""
    return with_glasses(picture, (90, 170, 205), 0.018)


STEPS = {step.__name__: step for step in
         (dim, violet, blue, red, grey, dark, fringe, long_fringe, glasses, gold_glasses)}


def lit(picture, rgb):
    """The picture (BGR) under light of the colour `rgb` (R, G, B; linear), as unrounded levels."""
    share = picture.astype(np.float32) / 255
    linear = np.where(share <= CURVE_FROM * STRAIGHT, share / STRAIGHT, ((share + 0.055) / 1.055) ** 2.4)
    linear = linear * np.asarray(rgb, np.float32)[..., ::-1]
    curve = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return 255 * np.where(linear <= CURVE_FROM, linear * STRAIGHT, curve)


def levels(values):
    return np.clip(values, 0, 255).round().astype(np.uint8)


def axes(face):
    """The centre between the eyes, and the face's right and up vectors, each one interocular distance long."""
    left, right = eye_centres(face.points)
    along = right - left
    return (left + right) / 2, along, np.array([along[1], -along[0]])


def with_hair(picture, brow, below):
    """Draws strands from above the forehead over a brow, to `below` interocular distances under the brow."""
    face, random = Face.of(picture), np.random.default_rng(2)
    centre, along, up = axes(face)
    to = face.points[brow, :2]
    outer = to[np.argmax(np.abs((to - centre) @ along))]
    inner = to[np.argmin(np.abs((to - centre) @ along))]
    parting = centre + 1.25 * up - 0.30 * np.sign((outer - centre) @ along) * along
    layer, cover = np.zeros_like(picture), np.zeros(picture.shape[:2], np.uint8)
    width = max(1, round(face.px(0.014)))
    for strand in range(260):
        across = strand / 259
        tip = inner + (outer - inner) * across * 1.15 + up * (0.10 - (0.10 + below) * across)
        tip = tip + random.normal(0, face.px(0.03), 2)
        begin = parting + (outer - inner) * 0.9 * across + random.normal(0, face.px(0.04), 2)
        bow = (begin + tip) / 2 + 0.16 * up + 0.10 * (outer - inner)
        t = np.linspace(0, 1, 24)[:, None]
        curve = (1 - t) ** 2 * begin + 2 * t * (1 - t) * bow + t**2 * tip
        colour = np.array([22, 30, 42]) * random.uniform(0.5, 2.2)
        for canvas, value in ((layer, colour.tolist()), (cover, 255)):
            cv2.polylines(canvas, [np.int32(np.round(curve * 8))], False, value, width, cv2.LINE_AA, 3)
    share = cv2.GaussianBlur(cover, (0, 0), max(0.5, face.px(0.006)))[..., None] / 255
    shadow = cv2.GaussianBlur(cover, (0, 0), face.px(0.05))[..., None] / 255
    return levels((picture * (1 - 0.25 * shadow)) * (1 - share) + layer * share)


def with_glasses(picture, colour, thickness):
    """Draws rims, a bridge and arms; the thickness is in interocular distances."""
    face = Face.of(picture)
    centre, along, up = axes(face)
    cover = np.zeros(picture.shape[:2], np.uint8)
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    width = max(1, round(face.px(thickness)))

    def line(*places):
        points = np.int32(np.round(np.array([centre + x * along + y * up for x, y in places]) * 8))
        cv2.polylines(cover, [points], False, 255, width, cv2.LINE_AA, 3)

    for side in (-1, 1):
        middle = centre + 0.52 * side * along - 0.06 * up
        axis = (face.px(0.37), face.px(0.29))
        cv2.ellipse(cover, np.int32(np.round(middle * 8)).tolist(), np.int32(np.round(np.array(axis) * 8)).tolist(), angle,
                    0, 360, 255, width, cv2.LINE_AA, 3)
        line((0.89 * side, 0.0), (1.25 * side, 0.03))
    line((-0.16, 0.0), (0.0, 0.04), (0.16, 0.0))
    share = cover[..., None] / 255
    return levels(picture * (1 - share) + np.array(colour) * share)


def main():
    picture = cv2.imread(sys.argv[1])
    if picture is None:
        sys.exit(f"cannot read {sys.argv[1]}")
    for step in sys.argv[3:]:
        if step not in STEPS:
            sys.exit(f"there is no step {step}; the steps are {', '.join(STEPS)}")
        picture = STEPS[step](picture)
    if not cv2.imwrite(sys.argv[2], picture):
        sys.exit(f"cannot write {sys.argv[2]}")


if __name__ == "__main__":
    main()
