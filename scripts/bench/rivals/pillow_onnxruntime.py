"""One Python process: Pillow, transformers' slow processor, onnxruntime."""

from __future__ import annotations

from bench.rivals.contestant import Run, Setting, Work, serve
from bench.rivals.pillow_classifier import PillowClassifier, with_transformers


class PillowOnnxRuntime:
    """A loop over batches."""

    def __init__(self, setting: Setting) -> None:
        self._classifier = PillowClassifier(setting.bundle, setting.slots, with_transformers)

    def first_label(self, image: bytes) -> str:
        """Label one image."""
        return str(self._classifier.classify([image])[0])

    def prepare(self, work: Work) -> Run:
        """Read the files."""
        images = work.images()
        return lambda: self._classifier.classify(images, work.batch_size)


if __name__ == "__main__":
    serve(PillowOnnxRuntime)
