"""One Python process: Pillow, transformers' slow processor, onnxruntime."""

from __future__ import annotations

from bench.rivals.contestant import Run, Setting, Work, serve
from bench.rivals.pillow_classifier import PillowClassifier, with_transformers


class PillowOnnxRuntime:
    """A loop over batches."""

    def __init__(self, setting: Setting) -> None:
        self._classifier = PillowClassifier(setting.bundle, setting.slots, with_transformers)

    def first_label(self, picture: bytes) -> str:
        """Label one picture."""
        return str(self._classifier.classify([picture])[0])

    def prepare(self, work: Work) -> Run:
        """Read the files."""
        pictures = work.pictures()
        return lambda: self._classifier.classify(pictures, work.batch_size)


if __name__ == "__main__":
    serve(PillowOnnxRuntime)
