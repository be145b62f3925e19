#!/usr/bin/env python3
"""Fits a face with the usual pipeline (MediaPipe and OpenCV), untuned. Our fit is compared with it.

    peer.py PHOTO TEMPLATE OUT [--repeat N]

Stages: MediaPipe FaceMesh on both pictures → a Delaunay mesh over the template's points → one affine warp per triangle
→ Lab mean and standard deviation of the template's face → cv2.seamlessClone → JPEG at quality 90.
It prints one line of JSON: the medians over N runs of each stage's process-CPU milliseconds, and the peak resident
memory. Every run starts from the files; only the FaceMesh graph is built once, as on a warm server.
Exit status 2: a picture shows no face.
"""

import argparse
import json
import resource
import statistics
import sys
import time

import cv2
import mediapipe as mp
import numpy as np


def find_landmarks(mesh, picture):
    """Finds the 468 points of the face: shape (468, 2), in pixels; None without a face."""
    height, width = picture.shape[:2]
    found = mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).multi_face_landmarks
    if not found:
        return None
    return np.float32([(p.x * width, p.y * height) for p in found[0].landmark[:468]])


def delaunay(points, shape):
    """Triangulates the points that lie inside the picture; returns triples of indices."""
    height, width = shape[:2]
    subdivision = cv2.Subdiv2D((0, 0, width, height))
    index = {}
    for k, (x, y) in enumerate(points):
        if 0 <= x < width and 0 <= y < height:
            index[subdivision.insert((float(x), float(y)))] = k
    triangles = []
    for x1, y1, x2, y2, x3, y3 in subdivision.getTriangleList():
        corners = [subdivision.findNearest((float(x), float(y)))[0] for x, y in ((x1, y1), (x2, y2), (x3, y3))]
        if all(corner in index for corner in corners):
            triangles.append([index[corner] for corner in corners])
    return triangles


def warp_face(photo, template, photo_points, template_points):
    """Warps the photo's face to the template's geometry, triangle by triangle."""
    warped = np.zeros_like(template)
    for triangle in delaunay(template_points, template.shape):
        source, target = photo_points[triangle], template_points[triangle]
        sx, sy, sw, sh = cv2.boundingRect(source)
        tx, ty, tw, th = cv2.boundingRect(target)
        sx, sy, tx, ty = max(sx, 0), max(sy, 0), max(tx, 0), max(ty, 0)
        piece = photo[sy:sy + sh, sx:sx + sw]
        if piece.size == 0:
            continue
        affine = cv2.getAffineTransform(np.float32(source - [sx, sy]), np.float32(target - [tx, ty]))
        place = warped[ty:ty + th, tx:tx + tw]
        drawn = cv2.warpAffine(piece, affine, (place.shape[1], place.shape[0]), flags=cv2.INTER_LINEAR,
                               borderMode=cv2.BORDER_REFLECT_101)
        mask = np.zeros(place.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, np.int32(target - [tx, ty]), 1)
        place[mask > 0] = drawn[mask > 0]
    return warped


def match_colour(warped, template, mask):
    """Gives the warped face the mean and standard deviation of the template's face in Lab (Reinhard 2001)."""
    x, y, width, height = cv2.boundingRect(mask)
    box = np.s_[y:y + height, x:x + width]
    face = cv2.cvtColor(warped[box], cv2.COLOR_BGR2LAB).astype(np.float32)
    wanted = cv2.cvtColor(template[box], cv2.COLOR_BGR2LAB).astype(np.float32)
    mean, spread = cv2.meanStdDev(face, mask=mask[box])
    wanted_mean, wanted_spread = cv2.meanStdDev(wanted, mask=mask[box])
    face = (face - mean.ravel()) * (wanted_spread / np.maximum(spread, 1e-6)).ravel() + wanted_mean.ravel()
    matched = warped.copy()
    matched[box] = cv2.cvtColor(np.clip(face, 0, 255).astype(np.uint8), cv2.COLOR_LAB2BGR)
    return matched


class Stages:
    """Measures the process-CPU milliseconds of each stage."""

    def __init__(self):
        self.ms = {}
        self.last = time.process_time()

    def done(self, stage):
        now = time.process_time()
        self.ms[stage] = (now - self.last) * 1000
        self.last = now


def fit(mesh, photo_path, template_path, out_path):
    """Fits one photo, from files to file. Returns the times of the stages, or None if a picture shows no face."""
    stages = Stages()
    photo = cv2.imread(photo_path, cv2.IMREAD_COLOR)  # Applies the EXIF orientation.
    stages.done("decode")
    photo_points = find_landmarks(mesh, photo)
    stages.done("landmarks")
    template = cv2.imread(template_path, cv2.IMREAD_COLOR)
    template_points = find_landmarks(mesh, template)
    stages.done("template")
    if photo_points is None or template_points is None:
        return None
    warped = warp_face(photo, template, photo_points, template_points)
    stages.done("warp")
    mask = np.zeros(template.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.int32(cv2.convexHull(template_points)), 255)
    matched = match_colour(warped, template, mask)
    stages.done("colour")
    x, y, width, height = cv2.boundingRect(mask)
    result = cv2.seamlessClone(matched, template, mask, (x + width // 2, y + height // 2), cv2.NORMAL_CLONE)
    stages.done("blend")
    cv2.imwrite(out_path, result, [cv2.IMWRITE_JPEG_QUALITY, 90])
    stages.done("encode")
    return stages.ms


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("photo")
    arguments.add_argument("template")
    arguments.add_argument("out")
    arguments.add_argument("--repeat", type=int, default=1, help="number of runs; the medians are over all of them")
    args = arguments.parse_args()
    with mp.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True) as mesh:
        runs = [fit(mesh, args.photo, args.template, args.out) for _ in range(args.repeat)]
    if None in runs:
        print(json.dumps({"reason": "no_face"}))
        sys.exit(2)
    stages = {stage: round(statistics.median(run[stage] for run in runs), 2) for stage in runs[0]}
    total = statistics.median(sum(run.values()) for run in runs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_ms": stages, "total_cpu_ms": round(total, 2), "peak_rss_mb": round(peak, 1)}))


if __name__ == "__main__":
    main()
