"""Computes the 128-number face descriptor of dlib's ResNet, in plain NumPy, to measure how similar two faces are.

The weights are Davis King's public-domain `dlib_face_recognition_resnet_model_v1`, in the form of the npm package
`@vladmandic/face-api` 1.7.15 (MIT): 8-bit quantised, one shard, with a TFJS manifest. The Euclidean distance between
two faces of one person is usually less than 0.6; between different people it is more.
"""

import json
from pathlib import Path

import cv2
import numpy as np

# dlib's mean positions of five points in the unit square: the outer and inner corner of the viewer's right eye, the
# same of the left eye, the base of the nose. CHIP_VERTICES are the mesh vertices of the same points.
CHIP_POINTS = np.array([
    (0.8595674595992, 0.2134981538014), (0.6460604764104, 0.2289674387677), (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242), (0.4901123135679, 0.6277975316475),
])
CHIP_VERTICES = [263, 362, 33, 133, 2]
CHIP_SIDE = 150
CHIP_PADDING = 0.25
# The mean that was subtracted from each pixel in training, in RGB levels.
MEAN_RGB = np.array([122.782, 117.001, 104.298], np.float32)


class Embedder:
    """The network; `embed` returns a descriptor of shape (128,)."""

    def __init__(self, model_dir):
        model_dir = Path(model_dir)
        manifest = json.loads((model_dir / "face_recognition_model-weights_manifest.json").read_text())
        shard = np.fromfile(model_dir / "face_recognition_model.bin", np.uint8)
        self.weights, offset = {}, 0
        for entry in (weight for group in manifest for weight in group["weights"]):
            count = int(np.prod(entry["shape"]))
            quantised = entry.get("quantization")
            if quantised:
                raw = shard[offset:offset + count].astype(np.float32)
                values, offset = raw * quantised["scale"] + quantised["min"], offset + count
            else:
                values, offset = shard[offset:offset + 4 * count].view(np.float32), offset + 4 * count
            self.weights[entry["name"]] = values.reshape(entry["shape"]).astype(np.float32)
        if offset != len(shard):
            raise ValueError(f"the manifest describes {offset} bytes of weights, but the shard has {len(shard)}")

    def embed(self, face):
        """Computes the descriptor of a `face.Face`."""
        x = (chip(face)[..., ::-1].astype(np.float32) - MEAN_RGB) / 255
        x = _max_pool(np.maximum(self._conv(x, "conv32_down/conv", "conv32_down/scale", stride=2, pad=0), 0))
        for name in ("conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3",
                     "conv128_down", "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2",
                     "conv256_down_out"):
            x = self._residual(x, name)
        return x.mean((0, 1)) @ self.weights["fc"]

    def _conv(self, x, conv, scale, stride, pad):
        """Convolves x (h, w, c) to (h', w', c') and applies the channel scale that replaces batch normalisation."""
        filters = self.weights[f"{conv}/filters"]
        x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, filters.shape[:2], (0, 1))[::stride, ::stride]
        y = np.tensordot(windows, filters, ([3, 4, 2], [0, 1, 2])) + self.weights[f"{conv}/bias"]
        return y * self.weights[f"{scale}/weights"] + self.weights[f"{scale}/biases"]

    def _residual(self, x, name):
        """A residual block: two convolutions and their shortcut; a "down" block halves height and width."""
        down = "down" in name
        y = self._conv(x, f"{name}/conv1/conv", f"{name}/conv1/scale", 2 if down else 1, 0 if down else 1)
        y = self._conv(np.maximum(y, 0), f"{name}/conv2/conv", f"{name}/conv2/scale", 1, 1)
        short = _average_pool(x) if down else x
        height, width = max(y.shape[0], short.shape[0]), max(y.shape[1], short.shape[1])
        return np.maximum(_grow(y, height, width, y.shape[2]) + _grow(short, height, width, y.shape[2]), 0)


def chip(face):
    """Turns, scales and crops the face as in dlib's training: (150, 150, 3) BGR."""
    to = (CHIP_PADDING + CHIP_POINTS) / (2 * CHIP_PADDING + 1) * CHIP_SIDE
    similarity = _similarity(face.points[CHIP_VERTICES, :2], to)
    scale = np.sqrt(abs(np.linalg.det(similarity[:, :2])))
    picture = face.picture
    if scale < 1:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.5 * np.sqrt(max(1 / scale**2 - 1, 1e-4)))
    return cv2.warpAffine(picture, similarity, (CHIP_SIDE, CHIP_SIDE), flags=cv2.INTER_LINEAR)


def _similarity(source, to):
    """The least-squares similarity from `source` to `to`, as a 2×3 matrix (Umeyama 1991)."""
    s, t = source - source.mean(0), to - to.mean(0)
    u, sigma, vt = np.linalg.svd(t.T @ s)
    flip = np.diag([1, np.sign(np.linalg.det(u @ vt))])
    linear = u @ flip @ vt * ((sigma * np.diag(flip)).sum() / (s**2).sum())
    return np.hstack([linear, (to.mean(0) - linear @ source.mean(0))[:, None]])


def _grow(x, height, width, channels):
    return np.pad(x, ((0, height - x.shape[0]), (0, width - x.shape[1]), (0, channels - x.shape[2])))


def _max_pool(x):
    return np.lib.stride_tricks.sliding_window_view(x, (3, 3), (0, 1))[::2, ::2].max((3, 4))


def _average_pool(x):
    return np.lib.stride_tricks.sliding_window_view(x, (2, 2), (0, 1))[::2, ::2].mean((3, 4))
