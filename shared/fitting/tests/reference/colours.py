"""Records how Little CMS applies a few generated colour profiles with tables.

    pip install pillow numpy
    python colours.py > colours.json

Each case has a profile (hexadecimal), samples (one list per pixel) and the sRGB pixels that Little CMS converts them to.
The conversion uses the intent for which the profile has a table, without black point compensation.
"""

import io
import json
import struct

import numpy
from PIL import Image, ImageCms

WHITE = numpy.array([0.9642, 1.0, 0.8249])


def lab_of(xyz: numpy.ndarray) -> numpy.ndarray:
    """Converts XYZ to CIELAB relative to D50."""
    t = xyz / WHITE
    f = numpy.where(t > (6 / 29) ** 3, numpy.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return numpy.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def grid(points: int, channels: int) -> numpy.ndarray:
    """Returns all points of a table, 0 to 1; the last channel changes fastest."""
    axes = numpy.meshgrid(*[numpy.linspace(0, 1, points)] * channels, indexing="ij")
    return numpy.stack([axis.ravel() for axis in axes], axis=1)


def inks_to_xyz(inks: numpy.ndarray) -> numpy.ndarray:
    """Simulates inks on paper: they have dot gain and also absorb light that they should reflect."""
    dots = inks**0.75
    inked = numpy.array([[0.16, 0.22, 0.60], [0.33, 0.16, 0.16], [0.70, 0.75, 0.07], [0.015, 0.015, 0.015]])
    left = numpy.prod(1 - dots[:, :, None] * (1 - inked[None]), axis=1)
    return WHITE * left


def rgb_to_xyz(rgb: numpy.ndarray) -> numpy.ndarray:
    """Simulates a scanner that mixes colours and has a nonlinear curve."""
    light = rgb**1.7 * numpy.array([0.95, 1.0, 0.9])
    matrix = numpy.array([[0.52, 0.30, 0.1442], [0.30, 0.62, 0.08], [0.03, 0.12, 0.6749]])
    return light @ matrix.T


def s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def profile(space: bytes, pcs: bytes, version: int, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Builds an ICC profile; every tag begins at a multiple of four."""
    tags = {b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(s15, WHITE))} | tags
    if version == 2:
        tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78)
        tags[b"cprt"] = b"text\0\0\0\0none\0"
    else:
        text = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 8, 28) + "test".encode("utf-16-be")
        tags |= {b"desc": text, b"cprt": text}
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s4sII4s8sI", start + len(data), b"\0\0\0\0", version << 24, kind, space, pcs,
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0), b"acsp", b"\0\0\0\0", 0, 0, b"\0\0\0\0", bytes(8), 0,
    )
    header += b"".join(map(s15, WHITE)) + bytes(48)
    return header + table + data


def legacy_table(kind: bytes, channels: int, points: int, values: numpy.ndarray) -> bytes:
    """Builds a lut8Type or lut16Type with linear curves."""
    identity = b"".join(map(s15, (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    head = kind + b"\0\0\0\0" + bytes([channels, 3, points, 0]) + identity
    if kind == b"mft1":
        curve = bytes(range(256))
        return head + curve * channels + numpy.clip(numpy.rint(values * 255), 0, 255).astype("u1").tobytes() + curve * 3
    curve = struct.pack(">2H", 0, 65535)
    table = numpy.clip(numpy.rint(values * 65535), 0, 65535).astype(">u2").tobytes()
    return head + struct.pack(">2H", 2, 2) + curve * channels + table + curve * 3


def lab_share(lab: numpy.ndarray, most: float) -> numpy.ndarray:
    """Encodes CIELAB for a table. In version 2 with 16 bits, 65280/65535 stands for 100 and (for a and b) 127."""
    return numpy.stack([lab[:, 0] / 100, (lab[:, 1] + 128) / 255, (lab[:, 2] + 128) / 255], axis=1) * most


def parametric(gain: float, gamma: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", 0, 0) + s15(gamma)


def lut_a_to_b(points: int, curves: list[bytes], values: numpy.ndarray, matrix: numpy.ndarray) -> bytes:
    """Builds a lutAToBType: curves, a table, curves, a matrix, curves."""
    straight = parametric(1, 1)
    a, m = b"".join(curves), b"".join(curves)
    table = bytes([points] * 3) + bytes(13) + bytes([2, 0, 0, 0])
    table += numpy.clip(numpy.rint(values * 65535), 0, 65535).astype(">u2").tobytes()
    numbers = b"".join(map(s15, [*matrix.ravel(), 0, 0, 0]))
    parts, at, offsets = b"", 32, []
    for part in (straight * 3, numbers, m, table, a):
        offsets.append(at + len(parts))
        parts += part + bytes(-len(part) % 4)
    return b"mAB \0\0\0\0" + bytes([3, 3, 0, 0]) + struct.pack(">5I", *offsets) + parts


def cases() -> dict[str, tuple[str, bytes, int]]:
    cmyk, rgb = grid(5, 4), grid(7, 3)
    cmyk_lab, rgb_lab = lab_of(inks_to_xyz(cmyk)), lab_of(rgb_to_xyz(rgb))
    # The two curves of each channel compose to a power of 1.7; the matrix mixes; XYZ of 1 is stored as 32768/65535.
    curves = [parametric(1, 1.7**0.5)] * 3
    mixing = numpy.array([[0.52, 0.30, 0.1442], [0.30, 0.62, 0.08], [0.03, 0.12, 0.6749]]) * 32768 / 65535
    perceptual, relative = ImageCms.Intent.PERCEPTUAL, ImageCms.Intent.RELATIVE_COLORIMETRIC
    return {
        "CMYK, 8-bit table": (
            "CMYK",
            profile(b"CMYK", b"Lab ", 2, b"prtr", {b"A2B0": legacy_table(b"mft1", 4, 5, lab_share(cmyk_lab, 1))}),
            perceptual,
        ),
        "CMYK, 16-bit table": (
            "CMYK",
            profile(b"CMYK", b"Lab ", 2, b"prtr", {b"A2B0": legacy_table(b"mft2", 4, 5, lab_share(cmyk_lab, 65280 / 65535))}),
            perceptual,
        ),
        "RGB, 16-bit table": (
            "RGB",
            profile(b"RGB ", b"Lab ", 2, b"scnr", {b"A2B0": legacy_table(b"mft2", 3, 7, lab_share(rgb_lab, 65280 / 65535))}),
            perceptual,
        ),
        "RGB, colorimetric table only": (
            "RGB",
            profile(b"RGB ", b"Lab ", 2, b"scnr", {b"A2B1": legacy_table(b"mft2", 3, 7, lab_share(rgb_lab, 65280 / 65535))}),
            relative,
        ),
        "RGB, curves, table, curves and matrix": (
            "RGB",
            profile(b"RGB ", b"XYZ ", 4, b"mntr", {b"A2B0": lut_a_to_b(2, curves, grid(2, 3), mixing)}),
            perceptual,
        ),
        "grey, curve": (
            "L",
            profile(b"GRAY", b"XYZ ", 2, b"mntr", {b"kTRC": b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.5 * 256))}),
            perceptual,
        ),
    }


def expected(mode: str, icc: bytes, intent: int, samples: numpy.ndarray) -> list[list[int]]:
    image = Image.fromarray(samples[None] if mode != "L" else samples[None, :, 0], mode)
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
    flags = ImageCms.Flags.NOOPTIMIZE | ImageCms.Flags.HIGHRESPRECALC
    transform = ImageCms.buildTransform(source, target, mode, "RGB", intent, flags)
    return numpy.asarray(ImageCms.applyTransform(image, transform))[0].tolist()


result = {}
for name, (mode, icc, intent) in cases().items():
    channels = {"CMYK": 4, "RGB": 3, "L": 1}[mode]
    samples = numpy.random.default_rng(7).integers(0, 256, (120, channels), dtype="u1")
    samples[:2] = [[0] * channels, [255] * channels]
    result[name] = {
        "icc": icc.hex(),
        "samples": samples.tolist(),
        "pixels": expected(mode, icc, intent, samples),
    }
print(json.dumps(result, separators=(",", ":")).replace('},"', '},\n"'))
