#!/usr/bin/env python3
"""Scores results: score.py --embedder DIR JOBS.json, where JOBS is a list of {photo, template, results: {name: path}}.

Prints one JSON object. `resolution` has the difference below which two scores are a tie. `pairs` has, for each job, the
scores of each result by name; a result without a face has null.
"""

import argparse
import json
import sys

import cv2

import metrics
from embedder import Embedder
from face import Face, NoFace


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--embedder", required=True, help="folder of the descriptor network's weights")
    arguments.add_argument("jobs")
    args = arguments.parse_args()
    with open(args.jobs) as file:
        jobs = json.load(file)
    embedder, faces, pairs = Embedder(args.embedder), {}, []
    for done, job in enumerate(jobs, 1):
        photo, template = (faces.setdefault(path, None) or read(path, faces) for path in (job["photo"], job["template"]))
        pairs.append({name: score(path, photo, template, embedder) for name, path in job["results"].items()})
        print(f"  scored {done} of {len(jobs)}", file=sys.stderr)
    print(json.dumps({"resolution": metrics.RESOLUTION, "pairs": pairs}))


def read(path, faces):
    """Finds the face of an input picture and keeps it in `faces` for later pairs."""
    picture = cv2.imread(path)
    if picture is None:
        sys.exit(f"cannot read {path}")
    try:
        faces[path] = Face.of(picture)
    except NoFace:
        sys.exit(f"no face in {path}")
    return faces[path]


def score(path, photo, template, embedder):
    picture = cv2.imread(path)
    if picture is None or picture.shape != template.picture.shape:
        sys.exit(f"{path} is not a picture of the template's size")
    try:
        return metrics.score(Face.of(picture), photo, template, embedder)
    except NoFace:
        return None


if __name__ == "__main__":
    main()
