"""What one of transformers' image processors makes of pictures: the input of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sparkvision.errors import ExportError
from sparkvision.export.checkpoint_files import first_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float32]
    Mask = NDArray[np.int64]


def preprocess(processor: Any, picture: Image) -> Floats:
    """Give what one of transformers' processors makes of an RGB picture, of shape [1, channels, height, width]."""
    import numpy as np

    # Transformers guesses which axis holds the channels, and mistakes a height of 1 or 3 pixels for it.
    made = processor(images=picture, input_data_format="channels_last", return_tensors="np")["pixel_values"]
    return np.asarray(made, dtype=np.float32)


def preprocess_batch(processor: Any, pictures: Sequence[Image]) -> tuple[Floats, Mask | None]:
    """Give what a detection model's processor makes of a batch of RGB pictures: padded to one size, and the mask."""
    import numpy as np

    made = processor(images=list(pictures), input_data_format="channels_last", return_tensors="np")
    return np.asarray(made["pixel_values"], dtype=np.float32), made.get("pixel_mask")


def pixel_shape(name: str, processor: Any) -> tuple[int, int, int]:
    """Give channels, height and width of what a processor makes of every picture.

    Parameters
    ----------
    name : str
        What to call the processor in an error.
    processor : Any
        An image processor of transformers.

    Raises
    ------
    ExportError
        If it cannot process a picture, or makes pictures of several sizes.
    """
    from PIL import Image

    try:
        wide, tall = (preprocess(processor, Image.new("RGB", size))[0].shape for size in ((67, 43), (43, 67)))
    except Exception as error:  # transformers raises nearly anything
        raise ExportError(f"the image processor of {name} cannot process a picture: {first_line(error)}") from error
    if wide != tall:
        raise ExportError(
            f"{name}: preprocessor_config.json makes pictures of [channels, height, width] {list(wide)} or "
            f"{list(tall)}, as their own form is, and a batch needs one size; "
            "give `size` a height and a width there, or set `do_center_crop`"
        )
    channels, height, width = wide
    return channels, height, width
