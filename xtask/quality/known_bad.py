#!/usr/bin/env python3
"""Tests the scores: pictures that are spoiled on purpose must score worse; a harmless change must not.

    known_bad.py --embedder DIR CLAIMS.json     CLAIMS: {people: {picture: person}, fits: [{photo, template, result}]}

The descriptor must tell the people apart. For every spoiled variant of a good result, `SPOILED` names the scores that
must rise, and the least rise. Encoding the picture once more must not change any score by more than its resolution.
Exit status 1: a claim does not hold.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path

import cv2
import numpy as np

import metrics
from embedder import Embedder
from face import Face, warp_onto
from score import read


def shifted(result, photo, template):
    """The face moved sideways by 0.12 interocular distances."""
    return inside(result, cv2.warpAffine(result.picture, np.float32([[1, 0, result.px(0.12)], [0, 1, 0]]),
                                         result.picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE))


def stretched(result, photo, template):
    """The face stretched by a seventh along its height."""
    y = result.points[:, 1].mean()
    return inside(result, cv2.warpAffine(result.picture, np.float32([[1, 0, 0], [0, 1.15, -0.15 * y]]),
                                         result.picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE))


def blurred(result, photo, template):
    """The face out of focus."""
    return inside(result, cv2.GaussianBlur(result.picture, (0, 0), result.px(0.03)))


def mis_coloured(result, photo, template):
    """The face in another light: less blue, more red."""
    return inside(result, np.clip(result.picture * [0.65, 1.0, 1.2], 0, 255).astype(np.uint8))


def hard_paste(result, photo, template):
    """The photo's face, cut out along the outline and pasted unchanged."""
    pasted = result.picture.copy()
    warped, covered = warp_onto(photo, result)
    pasted[covered] = warped[covered]
    return pasted


def fringed(result, photo, template):
    """The photo's whole oval with its hair, with matched colours and a soft edge."""
    warped, _ = warp_onto(photo, result)
    return inside(result, metrics._relit(warped, result))


def untouched_template(result, photo, template):
    """The template without any fit."""
    return template.picture


def touched_background(result, photo, template):
    """The whole picture four levels brighter, as after a wrong colour conversion."""
    return np.clip(result.picture.astype(int) + 4, 0, 255).astype(np.uint8)


# dlib's threshold: descriptors of one person are closer than this, those of different people are not.
SAME_PERSON_MAX = 0.6

# Each variant, the scores that must rise, and the least rise in resolutions.
SPOILED = [
    (shifted, ["placement"], 5),
    (shifted, ["seam"], 3),
    (stretched, ["landmarks"], 3),
    (blurred, ["sharpness"], 5),
    (mis_coloured, ["tone"], 3),
    (hard_paste, ["seam", "tone"], 5),
    (fringed, ["fringe"], 5),
    (untouched_template, ["id_photo", "landmarks"], 2),
    (touched_background, ["background"], 2),
]


def inside(result, spoiled):
    """Blends `spoiled` inside the face with the result outside, with a soft edge."""
    oval = np.clip(result.depth_in_oval() / 0.1, 0, 1)[..., None]
    return np.uint8(np.round(result.picture + oval * (spoiled.astype(float) - result.picture)))


def coded_again(picture):
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)


def tell_apart(people, embedder, faces):
    """Yields a claim for every two pictures: their descriptors are on the right side of the threshold."""
    descriptors = {path: embedder.embed(face_of(path, faces)) for path in people}
    for one, other in itertools.combinations(people, 2):
        distance, same = float(np.linalg.norm(descriptors[one] - descriptors[other])), people[one] == people[other]
        claim = f"{Path(one).stem} {'is' if same else 'is not'} {Path(other).stem}"
        yield claim, SAME_PERSON_MAX, distance, (distance < SAME_PERSON_MAX) == same


def check(fit, embedder, faces):
    """Yields a claim for every score that must stay or rise."""
    photo, template, result = (face_of(fit[role], faces) for role in ("photo", "template", "result"))
    good = metrics.score(result, photo, template, embedder)
    again = metrics.score(Face.of(coded_again(result.picture)), photo, template, embedder)
    for name, value in good.items():
        yield f"encoding again keeps {name}", value, again[name], abs(again[name] - value) <= metrics.RESOLUTION[name]
    for spoil, risen, resolutions in SPOILED:
        # The points of a spoiled picture are found anew: a viewer does not know the points of the good picture either.
        bad = metrics.score(Face.of(spoil(result, photo, template)), photo, template, embedder)
        for name in risen:
            least = good[name] + resolutions * metrics.RESOLUTION[name]
            yield f"{spoil.__name__} raises {name}", good[name], bad[name], bad[name] >= least


def face_of(path, faces):
    return faces.get(path) or read(path, faces)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--embedder", required=True, help="folder of the descriptor network's weights")
    arguments.add_argument("claims")
    args = arguments.parse_args()
    with open(args.claims) as file:
        claims = json.load(file)
    embedder, faces = Embedder(args.embedder), {}
    groups = [("people", tell_apart(claims["people"], embedder, faces))]
    for fit in claims["fits"]:
        groups.append((f"{Path(fit['photo']).stem} on {Path(fit['template']).stem}", check(fit, embedder, faces)))
    outcomes = []
    for title, group in groups:
        print(title)
        for claim, before, after, holds in group:
            outcomes.append(holds)
            print(f"  {'ok  ' if holds else 'FAIL'} {claim:36} {before:8.3f} → {after:8.3f}")
    print(f"{outcomes.count(True)} passed, {outcomes.count(False)} failed")
    sys.exit(0 if all(outcomes) else 1)


if __name__ == "__main__":
    main()
