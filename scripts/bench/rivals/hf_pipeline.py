"""Transformers' own image classification pipeline, on torch."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from bench.rivals.contestant import Run, Setting, Work, serve


class HuggingFacePipeline:
    """The pipeline with a slow or a fast processor."""

    def __init__(self, setting: Setting) -> None:
        import torch
        from transformers import AutoImageProcessor, pipeline

        torch.set_num_threads(setting.slots)
        is_fast = setting.options["processor"] == "fast"
        if is_fast:
            # Without it transformers takes the slow processor and says nothing that a program would notice.
            import torchvision  # noqa: F401
        processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            setting.checkpoint, use_fast=is_fast
        )
        self._pipeline: Any = pipeline(
            "image-classification", model=setting.checkpoint, image_processor=processor, device="cpu"
        )

    def first_label(self, picture: bytes) -> str:
        """Label one picture; the id, as the other peers give it."""
        label = self._label([picture], batch_size=1)[0]
        return str(self._pipeline.model.config.label2id[label])

    def prepare(self, work: Work) -> Run:
        """Read the files."""
        pictures = work.pictures()
        return lambda: self._label(pictures, work.batch_size)

    def _label(self, pictures: list[bytes], batch_size: int) -> list[str]:
        images = [Image.open(io.BytesIO(picture)) for picture in pictures]
        return [answer[0]["label"] for answer in self._pipeline(images, batch_size=batch_size, top_k=1)]


if __name__ == "__main__":
    serve(HuggingFacePipeline)
