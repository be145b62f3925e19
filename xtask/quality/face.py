"""Finds the face in a picture: MediaPipe's 468 points, and the regions over which scores are computed.

Pictures are BGR uint8 arrays of shape (height, width, 3), as OpenCV reads them. Points are float64 arrays of
shape (468, 3) in pixels of their picture: x to the right, y down, z away from the viewer on the scale of x.
`iod` is the interocular distance: the pixels between the two eye centres.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

# Vertices of MediaPipe's canonical face mesh. "Left" and "right" are the viewer's.
OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
        148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
LEFT_EYE = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
RIGHT_EYE = [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]
LEFT_BROW = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46]
RIGHT_BROW = [300, 293, 334, 296, 336, 285, 295, 282, 283, 276]
LIPS = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146]
INNER_LIPS = [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95]
NOSE = [168, 6, 197, 195, 5, 4, 1, 2, 98, 97, 326, 327, 48, 278, 64, 294]
FEATURES = LEFT_EYE + RIGHT_EYE + LEFT_BROW + RIGHT_BROW + LIPS + INNER_LIPS + NOSE

# Patches of plain skin; each is the hull of its vertices.
SKIN_PATCHES = {
    "left cheek": [116, 117, 118, 50, 205, 187, 147, 123],
    "right cheek": [345, 346, 347, 280, 425, 411, 376, 352],
    "nose": [6, 197, 195, 5, 4, 45, 275],
    "chin": [200, 199, 208, 428, 175, 171, 396],
}

# The size of the ring around the face that a fit does not move, as a multiple of the outline.
SURROUNDINGS = 1.5


class NoFace(Exception):
    """FaceMesh finds no face in the picture."""


def find_points(picture):
    """Finds the points of the largest face: shape (468, 3), in pixels.

    FaceMesh's own detector misses faces that are small in a large frame. After a miss, this function retries on a crop
    around the largest detection of the long-range detector.
    """
    points = _mesh(picture)
    if points is not None:
        return points
    left, top, right, bottom = _long_range_box(picture)
    points = _mesh(picture[top:bottom, left:right])
    if points is None:
        raise NoFace
    return points + [left, top, 0]


def _mesh(picture):
    import mediapipe as mp  # Imported late: it takes a second, which commands without points do not need.

    height, width = picture.shape[:2]
    with mp.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, refine_landmarks=True) as mesh:
        found = mesh.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).multi_face_landmarks
    if not found:
        return None
    return np.array([(p.x * width, p.y * height, p.z * width) for p in found[0].landmark[:468]])


def _long_range_box(picture):
    import mediapipe as mp

    height, width = picture.shape[:2]
    with mp.solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=0.3) as detector:
        found = detector.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)).detections
    if not found:
        raise NoFace
    box = max((d.location_data.relative_bounding_box for d in found), key=lambda b: b.width * b.height)
    side = 2.5 * max(box.width * width, box.height * height)
    x, y = (box.xmin + box.width / 2) * width, (box.ymin + box.height / 2) * height
    left, top = max(0, int(x - side / 2)), max(0, int(y - side / 2))
    return left, top, min(width, int(x + side / 2)), min(height, int(y + side / 2))


def eye_centres(points):
    """The two eye centres, left and right: shape (2, 2)."""
    return np.stack([points[LEFT_EYE, :2].mean(0), points[RIGHT_EYE, :2].mean(0)])


@dataclass
class Face:
    """A picture with the points of its face, and the measures derived from them."""

    picture: np.ndarray
    points: np.ndarray
    iod: float = field(init=False)

    def __post_init__(self):
        left, right = eye_centres(self.points)
        self.iod = float(np.linalg.norm(right - left))

    @classmethod
    def of(cls, picture):
        """Finds the face in a picture; raises `NoFace` if there is none."""
        return cls(picture, find_points(picture))

    def px(self, in_iod):
        """Converts a length from interocular distances to pixels."""
        return in_iod * self.iod

    def hull(self, *groups):
        """The union of the groups' convex hulls, as a boolean mask."""
        mask = np.zeros(self.picture.shape[:2], np.uint8)
        for group in groups:
            hull = cv2.convexHull(np.float32(self.points[group, :2]))
            cv2.fillConvexPoly(mask, np.int32(np.round(hull)), 1)
        return mask > 0

    def depth_in_oval(self):
        """The signed distance of each pixel to the face's outline, in interocular distances: positive inside."""
        oval = np.zeros(self.picture.shape[:2], np.uint8)
        cv2.fillPoly(oval, [np.int32(np.round(self.points[OVAL, :2]))], 1)
        inside = cv2.distanceTransform(oval, cv2.DIST_L2, 5)
        outside = cv2.distanceTransform(1 - oval, cv2.DIST_L2, 5)
        return (inside - outside) / self.iod

    def features(self, margin):
        """Eyes, brows, lips and nostrils, grown by `margin` interocular distances, as a boolean mask."""
        mask = self.hull(LEFT_EYE, RIGHT_EYE, LEFT_BROW, RIGHT_BROW, LIPS, [98, 97, 2, 326, 327, 294, 278, 1, 48, 64])
        radius = max(1, round(self.px(margin)))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        return cv2.dilate(mask.astype(np.uint8), disc) > 0

    def skin(self):
        """The skin patches without the features, as a boolean mask."""
        return self.hull(*SKIN_PATCHES.values()) & ~self.features(0.04)


def lab(picture, blur_px=0.0):
    """Converts to CIE L*a*b* (D65), float32; first blurs by a Gaussian of sigma `blur_px`, if that is not 0."""
    linear = picture.astype(np.float32) / 255
    if blur_px > 0:
        linear = cv2.GaussianBlur(linear, (0, 0), blur_px)
    return cv2.cvtColor(linear, cv2.COLOR_BGR2LAB)


def triangles_of(points, shape):
    """The Delaunay triangulation of points (n, 2) inside a picture of that shape: vertex indices (m, 3)."""
    height, width = shape[:2]
    margin = 4 * max(height, width)
    subdivision = cv2.Subdiv2D((-margin, -margin, width + 2 * margin, height + 2 * margin))
    vertex = {subdivision.insert((float(x), float(y))): k for k, (x, y) in enumerate(points)}
    triangles = []
    for x1, y1, x2, y2, x3, y3 in subdivision.getTriangleList():
        corners = [subdivision.findNearest((float(x), float(y)))[0] for x, y in ((x1, y1), (x2, y2), (x3, y3))]
        if all(corner in vertex for corner in corners):
            triangles.append([vertex[corner] for corner in corners])
    return np.array(triangles)


def warp_onto(source, target, hold_surroundings=False):
    """Warps the source's face to the target's geometry; returns the picture and a boolean mask of what it covers.

    The warp is piecewise affine over a Delaunay mesh of the target's points. A larger source is blurred first, so that
    it has no more detail than the target's grid can hold. With `hold_surroundings` both pictures share a frame: the
    movement fades out towards a ring around the face, and outside the ring the source is unchanged.
    """
    shape = target.picture.shape
    to, source_points = target.points[:, :2], source.points[:, :2]
    drawn = source.picture.copy() if hold_surroundings else np.zeros_like(target.picture)
    if hold_surroundings:
        centre = to[OVAL].mean(0)
        ring = centre + SURROUNDINGS * (to[OVAL] - centre)
        to, source_points = np.vstack([to, ring]), np.vstack([source_points, ring])
    triangles = triangles_of(to, shape)
    index = np.full(shape[:2], -1, np.int32)
    for k, corners in enumerate(triangles):
        cv2.fillConvexPoly(index, np.int32(np.round(to[corners] * 16)), k, shift=4)
    affine = np.linalg.pinv(np.concatenate([to[triangles], np.ones((len(triangles), 3, 1))], 2)) @ source_points[triangles]
    covered = index >= 0
    ys, xs = np.nonzero(covered)
    where = np.full((*shape[:2], 2), -1.0, np.float32)
    where[ys, xs] = np.einsum("ni,nij->nj", np.stack([xs, ys, np.ones_like(xs)], 1).astype(float), affine[index[ys, xs]])
    shrink = source.iod / target.iod
    picture = source.picture
    if shrink > 1.01:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.5 * np.sqrt(shrink**2 - 1))
    moved = cv2.remap(picture, where[..., 0], where[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    drawn[covered] = moved[covered]
    return drawn, covered
