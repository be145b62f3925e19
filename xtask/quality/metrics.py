"""Scores a fitted picture without a reference picture.

Every score compares a result with the two pictures it was made from. All scores but `id_template` measure faults:
0 is perfect, lower is better. Lengths are in interocular distances of the template (iod), colours in CIE L*a*b*
(dE: CIE 1976 colour difference), levels are 0–255.

| score        | unit  | meaning                                                                                   |
|--------------|-------|-------------------------------------------------------------------------------------------|
| id_photo     | –     | distance of the result's 128-d descriptor to the photo's; one person: below about 0.6     |
| id_template  | –     | distance to the template's descriptor; higher: less of the template's own face remains    |
| landmarks    | % iod | rms distance of the result's feature points to the photo's, after a 3-D similarity        |
| placement    | % iod | distance of eyes and mouth from the template's; the likeness causes some of it            |
| seam         | dE    | mean over 180 rays of the strongest edge near the outline that neither picture has        |
| tone         | dE    | colour difference of cheeks, nose and chin to the template's; median over the patches     |
| fringe       | dE    | colour error of the skin at rim and forehead where the photo has hair or background       |
| sharpness    | %     | fine detail of the features, more or less than the photo has at this size                 |
| background   | level | change away from the face: 99th percentile of the mean difference of 8×8 blocks           |
"""

import cv2
import numpy as np

from face import (FEATURES, INNER_LIPS, LEFT_EYE, LIPS, NOSE, OVAL, RIGHT_EYE, SKIN_PATCHES, eye_centres, lab,
                  warp_onto)

# Differences below these are ties: encoding the same picture once more at quality 85 may change a score by as much.
RESOLUTION = {
    "id_photo": 0.03, "id_template": 0.03, "landmarks": 0.6, "placement": 0.6, "seam": 0.3, "tone": 1.0,
    "fringe": 0.25, "sharpness": 3.0, "background": 1.0,
}
# The seam is searched within this distance of the oval, in iod: the cross-fade of a fit does not reach further.
SEAM_REACH = 0.30
SEAM_RAYS = 180
# A colour step is measured over this length, in iod: a softer cross-fade does not look like an edge.
SEAM_STEP = 0.05
# An edge of an input explains an edge of the result within this distance, in iod: the fit moves outlines by as much.
SEAM_TOLERANCE = 0.065
# Robust distances from the face's own skin colour: a pixel above the first is not skin, one below the second is.
NOT_SKIN, SURELY_SKIN = 3.5, 3.0
# The background begins this far outside the outline, in iod: no fit has a reason to change a pixel there.
BACKGROUND_BEYOND = 0.55
BLOCK = 8


def score(result, photo, template, embedder):
    """Computes all scores of a result, by name. All three pictures are `face.Face`s."""
    warped, covered = warp_onto(photo, result)
    template_moved, _ = warp_onto(template, result, hold_surroundings=True)
    descriptor = embedder.embed(result)
    return {
        "id_photo": float(np.linalg.norm(descriptor - embedder.embed(photo))),
        "id_template": float(np.linalg.norm(descriptor - embedder.embed(template))),
        "landmarks": landmarks(result, photo),
        "placement": placement(result, template),
        "seam": seam(result, template_moved, warped, covered),
        "tone": tone(result, template),
        "fringe": fringe(result, template_moved, warped),
        "sharpness": sharpness(result, warped),
        "background": background(result, template),
    }


def landmarks(result, photo):
    """The rms over the feature points of |s·R·photo + t − result| in x and y; s, R, t are the best 3-D similarity."""
    to, source = result.points[FEATURES], photo.points[FEATURES]
    d, s = to - to.mean(0), source - source.mean(0)
    u, sigma, vt = np.linalg.svd(d.T @ s)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    turned = s @ (u @ flip @ vt * ((sigma * np.diag(flip)).sum() / (s**2).sum())).T
    return float(np.sqrt(((turned - d)[:, :2] ** 2).sum(1).mean()) / result.iod * 100)


def placement(result, template):
    """The mean distance of the two eye centres and the mouth's centre from the template's."""
    def anchors(face):
        return np.vstack([eye_centres(face.points), face.points[LIPS, :2].mean(0)])
    return float(np.linalg.norm(anchors(result) - anchors(template), axis=1).mean() / template.iod * 100)


def seam(result, template_moved, warped, covered):
    """The mean over rays from the face's centre of the largest unexplained step within `SEAM_REACH` of the outline."""
    step = result.px(SEAM_STEP)
    blur = max(0.8, step / 3)
    tolerance = max(1, round(result.px(SEAM_TOLERANCE)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * tolerance + 1, 2 * tolerance + 1))
    photo_steps = _steps(_relit(warped, result), blur, step)
    photo_steps[~cv2.erode(covered.astype(np.uint8), np.ones((3, 3))).astype(bool)] = 0
    explained = cv2.dilate(np.maximum(_steps(template_moved, blur, step), photo_steps), disc)
    excess = np.maximum(_steps(result.picture, blur, step) - explained, 0)
    excess[np.abs(result.depth_in_oval()) > SEAM_REACH] = 0
    centre = result.points[OVAL, :2].mean(0)
    radius = np.linalg.norm(result.points[OVAL, :2] - centre, axis=1).max() + result.px(SEAM_REACH)
    rays = cv2.warpPolar(excess, (round(radius), SEAM_RAYS), tuple(map(float, centre)), radius,
                        cv2.WARP_POLAR_LINEAR | cv2.WARP_FILL_OUTLIERS)
    return float(rays.max(1).mean())


def _steps(picture, blur, step):
    """The colour step in dE over `step` pixels: the norm of the smoothed Lab gradient, times the length."""
    values = lab(picture, blur)
    dx, dy = cv2.Sobel(values, -1, 1, 0, scale=1 / 8), cv2.Sobel(values, -1, 0, 1, scale=1 / 8)
    return np.sqrt((dx**2 + dy**2).sum(-1)) * step


def _relit(warped, result):
    """Gives the warped photo the result's skin colour, so that its edges are as strong as the result's may be."""
    skin = result.skin()
    gain = np.median(result.picture[skin], 0) / np.maximum(np.median(warped[skin], 0), 1)
    return np.clip(warped * gain, 0, 255).astype(np.uint8)


def tone(result, template):
    """The median over the skin patches of the difference between their median colours."""
    def patch_colours(face):
        values, features = lab(face.picture), face.features(0.04)
        masks = [face.hull(patch) & ~features for patch in SKIN_PATCHES.values()]
        return [np.median(values[mask], 0) if mask.any() else np.full(3, np.nan) for mask in masks]
    differences = np.subtract(patch_colours(result), patch_colours(template))
    return float(np.nanmedian(np.linalg.norm(differences, axis=1)))


def fringe(result, template_moved, warped):
    """The mean colour error of the skin at rim and forehead where the photo has hair or background instead.

    The mean is over the template's skin. A pixel's error counts only where the warped photo is not skin; elsewhere it
    is 0. A pixel is right if it has the template's colour, or that colour shifted as much as the whole face is.
    """
    depth = result.depth_in_oval()
    above_mouth = _height_above(result, result.points[LIPS, :2].mean(0)) > 0.25
    zone = (depth > 0.02) & (depth < 0.40) & above_mouth & ~result.features(0.08)
    blur = max(0.8, result.px(0.015))
    skin = zone & (_distance_from_skin(template_moved, result, blur) < SURELY_SKIN)
    pasted = skin & (_distance_from_skin(warped, result, blur) > NOT_SKIN)
    shift = lab(result.picture, blur) - lab(template_moved, blur)
    error = np.minimum(np.linalg.norm(shift, axis=-1),
                       np.linalg.norm(shift - np.median(shift[result.skin()], 0), axis=-1))
    return float(error[pasted].sum() / max(skin.sum(), 1))


def _height_above(face, point):
    """The height of each pixel above `point` along the face's up axis, in iod."""
    left, right = eye_centres(face.points)
    x, y = (right - left) / face.iod
    ys, xs = np.mgrid[: face.picture.shape[0], : face.picture.shape[1]]
    return ((xs - point[0]) * y - (ys - point[1]) * x) / face.iod


def _distance_from_skin(picture, face, blur):
    """The distance of each pixel from the median skin colour, divided by the skin's spread (MAD, at least 5/3/3 dE).

    `face` defines where the skin is; the picture has its geometry.
    """
    values = lab(picture, blur)
    skin = values[face.skin()]
    median = np.median(skin, 0)
    spread = np.maximum(1.4826 * np.median(np.abs(skin - median), 0), [5, 3, 3])
    return np.linalg.norm((values - median) / spread, axis=-1)


def sharpness(result, warped):
    """100·|ln(result / relit photo)| of their detail: the spread of log luminance between 0.01 and 0.03 iod."""
    mask = result.hull(LEFT_EYE + RIGHT_EYE + NOSE + LIPS + INNER_LIPS)
    fine, coarse = max(0.7, result.px(0.01)), max(2.1, result.px(0.03))

    def detail(picture):
        log = np.log(picture.astype(np.float32).mean(-1) + 8)
        band = cv2.GaussianBlur(log, (0, 0), fine) - cv2.GaussianBlur(log, (0, 0), coarse)
        return float(band[mask].std())

    return 100 * abs(float(np.log(max(detail(result.picture), 1e-6) / max(detail(_relit(warped, result)), 1e-6))))


def background(result, template):
    """The 99th percentile over 8×8 background blocks of |mean(result − template)|; block means cancel coding noise."""
    outside = (template.depth_in_oval() < -BACKGROUND_BEYOND) & (result.depth_in_oval() < -BACKGROUND_BEYOND)
    height, width = (side // BLOCK * BLOCK for side in outside.shape)
    difference = (result.picture.astype(np.float32) - template.picture)[:height, :width].mean(-1)
    blocks = cv2.resize(difference, (width // BLOCK, height // BLOCK), interpolation=cv2.INTER_AREA)
    whole = cv2.resize(outside[:height, :width].astype(np.float32), (width // BLOCK, height // BLOCK),
                       interpolation=cv2.INTER_AREA) == 1
    return float(np.percentile(np.abs(blocks[whole]), 99)) if whole.any() else 0.0
