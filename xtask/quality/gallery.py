#!/usr/bin/env python3
"""Draws the contact sheet: gallery.py ROWS.json OUT.png.

ROWS is a list of {title, photo, template, peer, ours}; peer and ours are {picture, scores} or {declined}. Every row
shows the face and its surroundings in the photo, in the template and in both results. The results are cut like the
template.
"""

import json
import sys

import cv2
import numpy as np

from face import Face

# The side of a cell in pixels, and half the side of its cut-out in interocular distances.
CELL = 480
HALF_CUT = 2.1
LINE = 20
# The most pairs for one column. More pairs use two columns, so that the sheet does not become too long to scroll.
ONE_COLUMN_MAX = 10
SCORE_LINES = [["id_photo", "seam", "tone", "fringe"], ["id_template", "landmarks", "placement"],
               ["sharpness", "background"]]
WHITE, GREY = (255, 255, 255), (150, 150, 150)


def main():
    with open(sys.argv[1]) as file:
        rows = json.load(file)
    columns = 1 if len(rows) <= ONE_COLUMN_MAX else 2
    heading = np.hstack([text_band([name]) for name in ("photo", "template", "peer", "ours")] * columns)
    drawn = [draw(row) for row in rows]
    drawn += [np.zeros_like(drawn[0])] * (-len(drawn) % columns)
    lines = [np.hstack(drawn[k:k + columns]) for k in range(0, len(drawn), columns)]
    if not cv2.imwrite(sys.argv[2], np.vstack([heading, *lines])):
        sys.exit(f"cannot write {sys.argv[2]}")


def draw(row):
    photo, template = Face.of(cv2.imread(row["photo"])), Face.of(cv2.imread(row["template"]))
    cells = [stack(cut(photo.picture, photo), [row["title"], "", ""]), stack(cut(template.picture, template), ["", "", ""])]
    for contender in (row["peer"], row["ours"]):
        if "declined" in contender:
            cells.append(stack(np.zeros((CELL, CELL, 3), np.uint8), [f"declined: {contender['declined']}", "", ""]))
            continue
        scores = contender["scores"] or {}
        lines = ["  ".join(f"{name} {scores[name]:.2f}" for name in names if name in scores) for names in SCORE_LINES]
        cells.append(stack(cut(cv2.imread(contender["picture"]), template), lines))
    return np.hstack(cells)


def cut(picture, face):
    """Cuts the square around the face of `face` from a picture with the same geometry."""
    side = face.px(2 * HALF_CUT)
    left, top = face.points[:, :2].mean(0) - side / 2
    place = np.float32([[CELL / side, 0, -left * CELL / side], [0, CELL / side, -top * CELL / side]])
    if side > CELL:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.5 * np.sqrt(max((side / CELL) ** 2 - 1, 1e-4)))
    return cv2.warpAffine(picture, place, (CELL, CELL), flags=cv2.INTER_CUBIC)


def stack(picture, lines):
    return np.vstack([picture, text_band(lines)])


def text_band(lines):
    band = np.zeros((LINE * len(lines) + 6, CELL, 3), np.uint8)
    for k, line in enumerate(lines):
        cv2.putText(band, line, (4, LINE * k + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, WHITE if k == 0 else GREY, 1, cv2.LINE_AA)
    return band


if __name__ == "__main__":
    main()
