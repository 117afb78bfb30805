"""The side to be trusted: a checkpoint in transformers, with its slow image processor and torch in float32."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sparkvision.errors import ImageError
from sparkvision.export import labels
from sparkvision.export.checkpoint import Checkpoint, load
from sparkvision.export.pictures import upright_rgb

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Reference:
    """A checkpoint, and the pixels and logits that it makes of encoded pictures."""

    checkpoint: Checkpoint

    @staticmethod
    def load(source: str | Path, task: str) -> Reference:
        """Load the checkpoint; refused as an export of it would be."""
        return Reference(load(source, task))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The checkpoint's names of the classes, in the order of their ids."""
        return labels.from_config(self.checkpoint.config.id2label)

    def pixels(self, encoded: bytes) -> Floats:
        """Read and preprocess one picture.

        Returns
        -------
        ndarray of float32, [channels, height, width]

        Raises
        ------
        ImageError
            Whatever Pillow or the processor raised: both meet damaged files with exceptions of nearly every kind.
        """
        from PIL import UnidentifiedImageError

        try:
            picture = upright_rgb(BytesIO(encoded))
            # transformers guesses which axis holds the channels, and mistakes a height of 1 or 3 pixels for it.
            prepared = self.checkpoint.processor(
                images=picture, input_data_format="channels_last", return_tensors="np"
            )["pixel_values"][0]
        except UnidentifiedImageError as error:
            raise ImageError(None, "Pillow does not know this as a picture") from error
        except Exception as error:
            raise ImageError(None, f"{type(error).__name__}: {error}") from error
        return np.asarray(prepared, dtype=np.float32)

    def logits(self, pixels: Floats) -> Floats:
        """Run the model on one preprocessed picture, and give a logit for each label."""
        import torch

        found: Floats = self.checkpoint.logits(torch.from_numpy(pixels[None]))[0].numpy()
        return found

    def levels_per_unit(self) -> npt.NDArray[np.float64]:
        """Give how many levels of 0..255 one unit of the model's input is worth, by channel: shape [channels, 1, 1].

        The processor computes ``(level * rescale_factor - mean) / std``, and leaves out what is switched off.
        """
        processor: Any = self.checkpoint.processor
        factor = processor.rescale_factor if getattr(processor, "do_rescale", False) else 1.0
        std = processor.image_std if getattr(processor, "do_normalize", False) else 1.0
        return np.abs(np.asarray(std, dtype=np.float64)).reshape(-1, 1, 1) / factor
