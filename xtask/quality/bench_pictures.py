#!/usr/bin/env python3
"""Makes the pictures of the bench: bench_pictures.py PHOTO TEMPLATE DIR.

The photos are like a phone's: 12 and 48 megapixels, stored sideways with EXIF orientation 6, JPEG at quality 92.
No package contains pictures of that size, so this script enlarges a portrait and adds the noise of a sensor. Without
noise an enlargement is so smooth that it decodes faster than any real photo. The templates of 1024×1280 and 2048×2560
are close portraits, also enlarged.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from face import Face

ORIENTATION = 0x0112
# The orientation of a photo from a phone held upright: the sensor's rows run along the height of the picture.
ROTATED_90_CLOCKWISE = 6
# Standard deviation, in levels, of the sensor noise that remains in a phone's photo in daylight.
NOISE = 3.0

# The width of a close portrait in interocular distances: the face fills two thirds of it.
CLOSE_PORTRAIT = 3.5

PHOTOS = {"photo-12mp.jpg": (3024, 4032), "photo-48mp.jpg": (6048, 8064)}
TEMPLATES = {"template-1024x1280.jpg": (1024, 1280), "template-2048x2560.jpg": (2048, 2560)}


def main():
    photo, template, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in PHOTOS.items():
        if not (folder / name).exists():
            upright = Image.fromarray(with_noise(enlarged(cv2.imread(photo), size))[..., ::-1])
            exif = Image.Exif()
            exif[ORIENTATION] = ROTATED_90_CLOCKWISE
            upright.transpose(Image.Transpose.ROTATE_90).save(folder / name, quality=92, exif=exif)
    for name, size in TEMPLATES.items():
        if not (folder / name).exists():
            portrait = enlarged(close_portrait(Face.of(cv2.imread(template))), size)
            cv2.imwrite(str(folder / name), portrait, [cv2.IMWRITE_JPEG_QUALITY, 95])


def close_portrait(face):
    """Crops the picture to the face and its hair, at a ratio of 4 to 5."""
    width = face.px(CLOSE_PORTRAIT)
    left, top = face.points[:, :2].mean(0) - [width / 2, width * 5 / 8]
    return face.picture[max(0, round(top)):round(top + width * 5 / 4), max(0, round(left)):round(left + width)]


def enlarged(picture, size):
    """Crops the middle of the picture to the ratio of `size` and enlarges it: (height, width, 3) BGR uint8."""
    (width, height), (have_height, have_width) = size, picture.shape[:2]
    crop_width = min(have_width, have_height * width // height)
    crop_height = min(have_height, have_width * height // width)
    left, top = (have_width - crop_width) // 2, (have_height - crop_height) // 2
    return cv2.resize(picture[top:top + crop_height, left:left + crop_width], size, interpolation=cv2.INTER_CUBIC)


def with_noise(picture):
    """Adds a sensor's noise to the picture, slightly blurred as after a phone's noise reduction."""
    grain = np.random.default_rng(1).normal(0, 1, picture.shape[:2]).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.7)
    return np.clip(picture + (grain * (NOISE / grain.std()))[..., None], 0, 255).round().astype(np.uint8)


if __name__ == "__main__":
    main()
