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
            # Without torchvision, transformers silently uses the slow processor.
            import torchvision  # noqa: F401
        processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            setting.checkpoint, use_fast=is_fast
        )
        self._pipeline: Any = pipeline(
            "image-classification", model=setting.checkpoint, image_processor=processor, device="cpu"
        )

    def first_label(self, image: bytes) -> str:
        """Label one image, and return the id of the class as the other peers do."""
        label = self._label([image], batch_size=1)[0]
        return str(self._pipeline.model.config.label2id[label])

    def prepare(self, work: Work) -> Run:
        """Read the files."""
        images = work.images()
        return lambda: self._label(images, work.batch_size)

    def _label(self, images: list[bytes], batch_size: int) -> list[str]:
        opened = [Image.open(io.BytesIO(image)) for image in images]
        return [answer[0]["label"] for answer in self._pipeline(opened, batch_size=batch_size, top_k=1)]


if __name__ == "__main__":
    serve(HuggingFacePipeline)
