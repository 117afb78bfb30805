"""SparkVision's engine without Spark."""

from __future__ import annotations

from bench.rivals.contestant import Run, Setting, Work, serve
from sparkvision.local import LocalModel


class SparkVisionLocalModel:
    """A LocalModel; it chooses its batches and threads itself."""

    def __init__(self, setting: Setting) -> None:
        self._model = LocalModel(setting.bundle)

    def first_label(self, image: bytes) -> str:
        """Label one image."""
        return str(self._model.logits([image])[0].argmax())

    def prepare(self, work: Work) -> Run:
        """Read the files."""
        images = work.images()
        return lambda: self._model.logits(images)


if __name__ == "__main__":
    serve(SparkVisionLocalModel)
