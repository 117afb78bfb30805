"""The images that a bundle is checked on, and the tensors that an image processor of transformers makes of images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision._image_folder import image_files
from sparkvision._pillow import read_upright_rgb
from sparkvision.errors import ExportError, first_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float32]
    Mask = NDArray[np.int64]

# 32 images suffice to find a wrong graph. A folder may hold a million, and torch takes seconds for one image with a
# large model.
MOST_IMAGES = 32


def comparison_images(folder: str | Path | None) -> Sequence[Image]:
    """Return the images to compare a bundle with its source on.

    Parameters
    ----------
    folder : str, Path or None
        A folder, of which the first `MOST_IMAGES` readable images are used. None stands for `synthetic_images`.

    Raises
    ------
    ParameterError
        If the folder does not exist or holds no files.
    ExportError
        If the folder holds no readable image.
    """
    return synthetic_images() if folder is None else list(islice(readable_images(folder), MOST_IMAGES))


def readable_images(folder: str | Path) -> Iterator[Image]:
    """Read the images of a folder one by one, in the order of their names, as upright RGB.

    Parameters
    ----------
    folder : str or Path
        Files that are not images are skipped. Sub-folders are not searched.

    Raises
    ------
    ParameterError
        If the folder does not exist or holds no files.
    ExportError
        If the folder holds no readable image.
    """
    found = False
    for path in image_files(folder, recursive=False):
        image = _read(path)
        if image is not None:
            found = True
            yield image
    if not found:
        raise ExportError(f"{folder} holds no readable image; give a folder with JPEG or PNG files in it")


def synthetic_images() -> Sequence[Image]:
    """Return four images of several sizes: a gradient, stripes, a bright disc on dark ground, and noise."""
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[0:300, 0:451]
    gradient = np.stack([x * 255 // 450, y * 255 // 299, (x + y) * 255 // 749], axis=-1)
    y, x = np.mgrid[0:512, 0:200]
    stripes = np.stack([(x // 9 % 2) * 255, (y // 17 % 2) * 200, ((x + y) // 25 % 2) * 150], axis=-1)
    y, x = np.mgrid[0:224, 0:224]
    disc = np.where(((x - 112) ** 2 + (y - 90) ** 2 < 60**2)[..., None], (250, 180, 40), (10, 25, 60))
    noise = np.random.default_rng(0).integers(0, 256, (97, 131, 3))
    return [Image.fromarray(pixels.astype(np.uint8)) for pixels in (gradient, stripes, disc, noise)]


def preprocess(processor: Any, image: Image) -> Floats:
    """Return what an image processor makes of an RGB image, of shape [1, channels, height, width]."""
    import numpy as np

    # Without input_data_format transformers guesses which axis holds the channels, and mistakes a height of 1 or 3
    # pixels for that axis.
    made = processor(images=image, input_data_format="channels_last", return_tensors="np")["pixel_values"]
    return np.asarray(made, dtype=np.float32)


def preprocess_batch(processor: Any, images: Sequence[Image]) -> tuple[Floats, Mask | None]:
    """Return what a detection model's processor makes of RGB images: pixels padded to one size, and the mask."""
    import numpy as np

    made = processor(images=list(images), input_data_format="channels_last", return_tensors="np")
    return np.asarray(made["pixel_values"], dtype=np.float32), made.get("pixel_mask")


def pixel_shape(name: str, processor: Any) -> tuple[int, int, int]:
    """Return channels, height and width of what a processor makes of every image.

    Parameters
    ----------
    name : str
        What an error calls the processor.
    processor : Any
        An image processor of transformers.

    Raises
    ------
    ExportError
        If the processor cannot process an image, or makes images of several sizes.
    """
    from PIL import Image

    try:
        wide, tall = (preprocess(processor, Image.new("RGB", size))[0].shape for size in ((67, 43), (43, 67)))
    except Exception as error:  # transformers raises exceptions of many kinds
        raise ExportError(f"the image processor of {name} cannot process an image: {first_line(error)}") from error
    if wide != tall:
        raise ExportError(
            f"{name}: preprocessor_config.json makes images of [channels, height, width] {list(wide)} or "
            f"{list(tall)}, depending on their aspect ratio, and a batch needs one size; "
            "give `size` a height and a width there, or set `do_center_crop`"
        )
    channels, height, width = wide
    return channels, height, width


def _read(path: Path) -> Image | None:
    from PIL import Image

    try:
        return read_upright_rgb(path)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
