"""The upper limit: onnxruntime on all cores, with prepared tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.rivals.contestant import Run, Setting, Work, serve
from bench.rivals.pillow_classifier import open_session, with_numpy


class BareOnnxRuntime:
    """onnxruntime alone."""

    def __init__(self, setting: Setting) -> None:
        self._session = open_session(Path(setting.bundle) / "model.onnx", setting.slots)
        self._prepare = with_numpy(Path(setting.bundle) / "assets")

    def first_label(self, image: bytes) -> str:
        """Label one image."""
        return str(self._session.run(None, {"pixel_values": self._prepare(image)[None]})[0].argmax())

    def prepare(self, work: Work) -> Run:
        """Prepare all tensors; each different image once."""
        images = work.images()
        prepared = {id(image): self._prepare(image) for image in {id(p): p for p in images}.values()}
        tensors = np.stack([prepared[id(image)] for image in images])
        batches = [tensors[start : start + work.batch_size] for start in range(0, work.count, work.batch_size)]

        def run() -> None:
            for batch in batches:
                self._session.run(None, {"pixel_values": batch})

        return run


if __name__ == "__main__":
    serve(BareOnnxRuntime)
