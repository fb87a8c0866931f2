"""What a developer would write in an afternoon, kept as the reference that speed is compared with: every frame decoded,
both of MediaPipe's landmarkers in VIDEO mode on the whole of it, two faces and two bodies.

    python -m tests.benchmarks.naive_loop RECORDING SECONDS      prints wall and computing time [s]
"""

import resource
import sys
import time
from pathlib import Path

import cv2
import mediapipe as mp

from cues.vision.models import model_path


def read(path: Path, seconds: float) -> int:
    """Reads the first seconds of a recording; returns the number of faces found."""
    tasks, base = mp.tasks.vision, mp.tasks.BaseOptions
    mode = tasks.RunningMode.VIDEO
    faces = tasks.FaceLandmarkerOptions(
        base_options=base(model_asset_path=str(model_path("face_landmarker.task"))),
        running_mode=mode,
        num_faces=2,
        output_face_blendshapes=True,
    )
    bodies = tasks.PoseLandmarkerOptions(
        base_options=base(model_asset_path=str(model_path("pose_landmarker_full.task"))),
        running_mode=mode,
        num_poses=2,
    )
    found, number = 0, 0
    video = cv2.VideoCapture(str(path))
    rate = video.get(cv2.CAP_PROP_FPS)
    with (
        tasks.FaceLandmarker.create_from_options(faces) as face,
        tasks.PoseLandmarker.create_from_options(bodies) as body,
    ):
        while number < seconds * rate:
            there, image = video.read()
            if not there:
                break
            picture = mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            milliseconds = round(1000 * number / rate)
            found += len(face.detect_for_video(picture, milliseconds).face_landmarks)
            body.detect_for_video(picture, milliseconds)
            number += 1
    return found


def main(path: str, seconds: str) -> None:
    """Prints wall and computing time [s] of the loop with the landmarkers' start, and faces found."""
    before, used = time.perf_counter(), _used()
    found = read(Path(path), float(seconds))
    print(f"{time.perf_counter() - before:.3f} {_used() - used:.3f} {found}")


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(*sys.argv[1:3])
