"""The limit: onnxruntime on all cores with its tensors ready, and nothing else to do."""

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

    def first_label(self, picture: bytes) -> str:
        """Label one picture."""
        return str(self._session.run(None, {"pixel_values": self._prepare(picture)[None]})[0].argmax())

    def prepare(self, work: Work) -> Run:
        """Prepare all tensors; each different picture once."""
        pictures = work.pictures()
        prepared = {id(picture): self._prepare(picture) for picture in {id(p): p for p in pictures}.values()}
        tensors = np.stack([prepared[id(picture)] for picture in pictures])
        batches = [tensors[start : start + work.batch_size] for start in range(0, work.count, work.batch_size)]

        def run() -> None:
            for batch in batches:
                self._session.run(None, {"pixel_values": batch})

        return run


if __name__ == "__main__":
    serve(BareOnnxRuntime)
