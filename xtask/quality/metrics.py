"""What a fitted picture is worth, without a reference picture.

Every score compares a result with the two pictures it was made from. All but `id_template` are faults: 0 is perfect,
lower is better. Lengths are in interocular distances of the template (iod), colours in CIE L*a*b* (dE: CIE 1976 colour
difference), levels are 0–255.

| score        | unit  | what it says                                                                              |
|--------------|-------|-------------------------------------------------------------------------------------------|
| id_photo     | –     | distance of the result's 128-d descriptor to the photo's; one person: below about 0.6      |
| id_template  | –     | the same to the template's; higher means less of the template's own face is left           |
| landmarks    | % iod | rms distance of the result's feature points to the photo's, after a 3-D similarity         |
| placement    | % iod | how far eyes and mouth moved away from the template's; some of it is the likeness          |
| seam         | dE    | edges around the outline that neither picture has: the strongest on each of 180 rays, mean |
| tone         | dE    | colour of cheeks, nose and chin against the template's own, median over the patches        |
| fringe       | dE    | colour error of the rim's and forehead's skin where the photo has hair or background       |
| sharpness    | %     | fine detail of the features, too much or too little against the photo's at this size       |
| background   | level | what changed away from the face: 99th percentile of the mean difference of 8×8 blocks    |
"""

import cv2
import numpy as np

from face import (FEATURES, INNER_LIPS, LEFT_EYE, LIPS, NOSE, OVAL, RIGHT_EYE, SKIN_PATCHES, eye_centres, lab,
                  warp_onto)

# Differences below these are ties: they are what coding the same picture once more at quality 85 may change.
RESOLUTION = {
    "id_photo": 0.03, "id_template": 0.03, "landmarks": 0.6, "placement": 0.6, "seam": 0.3, "tone": 1.0,
    "fringe": 0.25, "sharpness": 3.0, "background": 1.0,
}
# Where the outline's seam may lie: the cross-fade of a fit stays within this distance of the oval, in iod.
SEAM_REACH = 0.30
SEAM_RAYS = 180
# A step is taken over this length: a softer cross-fade no longer looks like an edge.
SEAM_STEP = 0.05
# Edges of the inputs explain edges of the result that lie this near: the fit moves outlines by as much.
SEAM_TOLERANCE = 0.065
# Robust distance from the face's own skin beyond which a pixel is not skin, and within which it surely is.
NOT_SKIN, SURELY_SKIN = 3.5, 3.0
# Away from the face: no fit has a reason to touch a pixel this far outside the outline, in iod.
BACKGROUND_BEYOND = 0.55
BLOCK = 8


def score(result, photo, template, embedder):
    """All scores of a result (`face.Face` each), by name."""
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
    """rms over the feature points |s·R·photo + t − result| in x and y, with s, R, t the best 3-D similarity."""
    to, source = result.points[FEATURES], photo.points[FEATURES]
    d, s = to - to.mean(0), source - source.mean(0)
    u, sigma, vt = np.linalg.svd(d.T @ s)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    turned = s @ (u @ flip @ vt * ((sigma * np.diag(flip)).sum() / (s**2).sum())).T
    return float(np.sqrt(((turned - d)[:, :2] ** 2).sum(1).mean()) / result.iod * 100)


def placement(result, template):
    """Mean distance of the two eye centres and the mouth's centre from the template's."""
    def anchors(face):
        return np.vstack([eye_centres(face.points), face.points[LIPS, :2].mean(0)])
    return float(np.linalg.norm(anchors(result) - anchors(template), axis=1).mean() / template.iod * 100)


def seam(result, template_moved, warped, covered):
    """Mean over rays from the face's centre of the largest unexplained step within `SEAM_REACH` of the outline."""
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
    """Colour step in dE over `step` pixels: the norm of the smoothed Lab gradient times the length."""
    values = lab(picture, blur)
    dx, dy = cv2.Sobel(values, -1, 1, 0, scale=1 / 8), cv2.Sobel(values, -1, 0, 1, scale=1 / 8)
    return np.sqrt((dx**2 + dy**2).sum(-1)) * step


def _relit(warped, result):
    """The warped photo with the result's skin colour, so that its edges are as strong as they may be there."""
    skin = result.skin()
    gain = np.median(result.picture[skin], 0) / np.maximum(np.median(warped[skin], 0), 1)
    return np.clip(warped * gain, 0, 255).astype(np.uint8)


def tone(result, template):
    """Median over the skin patches of the colour difference of the patches' median colours."""
    def patch_colours(face):
        values, features = lab(face.picture), face.features(0.04)
        masks = [face.hull(patch) & ~features for patch in SKIN_PATCHES.values()]
        return [np.median(values[mask], 0) if mask.any() else np.full(3, np.nan) for mask in masks]
    differences = np.subtract(patch_colours(result), patch_colours(template))
    return float(np.nanmedian(np.linalg.norm(differences, axis=1)))


def fringe(result, template_moved, warped):
    """Mean colour error of the rim's and forehead's skin where the photo has hair or background instead.

    Taken over the template's skin, the error counts where the photo, drawn there, is not skin; where it is, it adds 0.
    A pixel is right when it has the template's colour, or the template's shifted as the whole face is.
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
    """Per pixel: height over `point` along the face's own up axis, in iod."""
    left, right = eye_centres(face.points)
    x, y = (right - left) / face.iod
    ys, xs = np.mgrid[: face.picture.shape[0], : face.picture.shape[1]]
    return ((xs - point[0]) * y - (ys - point[1]) * x) / face.iod


def _distance_from_skin(picture, face, blur):
    """Per pixel: distance from the picture's median skin colour in its skin's spread (MAD, at least 5/3/3 dE).

    `face` tells where the skin is; the picture is drawn in its geometry.
    """
    values = lab(picture, blur)
    skin = values[face.skin()]
    median = np.median(skin, 0)
    spread = np.maximum(1.4826 * np.median(np.abs(skin - median), 0), [5, 3, 3])
    return np.linalg.norm((values - median) / spread, axis=-1)


def sharpness(result, warped):
    """100·|ln ratio| of the detail of result and relit photo: spread of log luminance between 0.01 and 0.03 iod."""
    mask = result.hull(LEFT_EYE + RIGHT_EYE + NOSE + LIPS + INNER_LIPS)
    fine, coarse = max(0.7, result.px(0.01)), max(2.1, result.px(0.03))

    def detail(picture):
        log = np.log(picture.astype(np.float32).mean(-1) + 8)
        band = cv2.GaussianBlur(log, (0, 0), fine) - cv2.GaussianBlur(log, (0, 0), coarse)
        return float(band[mask].std())

    return 100 * abs(float(np.log(max(detail(result.picture), 1e-6) / max(detail(_relit(warped, result)), 1e-6))))


def background(result, template):
    """99th percentile over 8×8 blocks outside of |mean(result − template)|; block means cancel coding noise."""
    outside = (template.depth_in_oval() < -BACKGROUND_BEYOND) & (result.depth_in_oval() < -BACKGROUND_BEYOND)
    height, width = (side // BLOCK * BLOCK for side in outside.shape)
    difference = (result.picture.astype(np.float32) - template.picture)[:height, :width].mean(-1)
    blocks = cv2.resize(difference, (width // BLOCK, height // BLOCK), interpolation=cv2.INTER_AREA)
    whole = cv2.resize(outside[:height, :width].astype(np.float32), (width // BLOCK, height // BLOCK),
                       interpolation=cv2.INTER_AREA) == 1
    return float(np.percentile(np.abs(blocks[whole]), 99)) if whole.any() else 0.0
