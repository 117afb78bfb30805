"""The reference side: a checkpoint in transformers, with its slow image processor and torch in float32."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sparkvision._pillow import read_upright_rgb
from sparkvision.errors import ImageError
from sparkvision.export import labels
from sparkvision.export.checkpoint import Checkpoint, load
from sparkvision.export.images import preprocess

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Reference:
    """A checkpoint, and the pixels and logits that it computes from encoded images."""

    checkpoint: Checkpoint

    @staticmethod
    def load(source: str | Path, task: str) -> Reference:
        """Load the checkpoint; a checkpoint that cannot be exported is refused."""
        return Reference(load(source, task))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The checkpoint's names of the classes, in the order of their ids."""
        return labels.from_config(self.checkpoint.config.id2label)

    def pixels(self, encoded: bytes) -> Floats:
        """Read and preprocess one image.

        Returns
        -------
        ndarray of float32, [channels, height, width]

        Raises
        ------
        ImageError
            If Pillow or the processor raises any exception: both raise nearly every kind for damaged files.
        """
        from PIL import UnidentifiedImageError

        try:
            pixels: Floats = preprocess(self.checkpoint.processor, read_upright_rgb(BytesIO(encoded)))[0]
            return pixels
        except UnidentifiedImageError as error:
            raise ImageError(None, "Pillow does not recognise an image") from error
        except Exception as error:
            raise ImageError(None, f"{type(error).__name__}: {error}") from error

    def logits(self, pixels: Floats) -> Floats:
        """Run the model on one preprocessed image, and return a logit for each label."""
        import torch

        found: Floats = self.checkpoint.logits(torch.from_numpy(pixels[None]))[0].numpy()
        return found

    def levels_per_unit(self) -> npt.NDArray[np.float64]:
        """Return the number of levels of 0..255 in one unit of the model's input, of shape [channels, 1, 1].

        The processor computes ``(level * rescale_factor - mean) / std``, and omits the steps that are switched off.
        """
        processor: Any = self.checkpoint.processor
        factor = processor.rescale_factor if getattr(processor, "do_rescale", False) else 1.0
        std = processor.image_std if getattr(processor, "do_normalize", False) else 1.0
        return np.abs(np.asarray(std, dtype=np.float64)).reshape(-1, 1, 1) / factor
