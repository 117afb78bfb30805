"""Heat maps of attention: the attention rollout laid over the image that the model was fed with."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from sparkvision.report.thumbnail import QUALITY, SIDE

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sparkvision.local import LocalModel

# Red on grey where the attention is highest, and paler elsewhere.
_HOT = (1.0, 0.15, 0.0)
_STRENGTH = 0.75


def heat_maps(model: LocalModel, images: Sequence[Path | bytes]) -> list[bytes | None]:
    """Return a small JPEG for each image: the model's input in grey, and red where its class token attended most.

    Parameters
    ----------
    model : LocalModel
        The model of a bundle that was exported with ``--attentions``.
    images : sequence of Path or bytes
        Image files, or their content.

    Returns
    -------
    list of bytes or None
        None for an image that cannot be read.

    Raises
    ------
    BundleError
        If the bundle was exported without ``--attentions``.
    """
    import numpy as np

    pixels = model.preprocess(images, on_error="null")
    rollouts = model.attention_rollout(images, on_error="null")
    pairs = zip(pixels, rollouts, strict=True)
    return [None if np.isnan(rollout).any() else heat_map(image, rollout) for image, rollout in pairs]


def heat_map(pixels: npt.NDArray[np.float32], rollout: npt.NDArray[np.float32]) -> bytes:
    """Lay a rollout [rows, columns] over preprocessed pixels [3, height, width], and return a small JPEG."""
    import numpy as np
    from PIL import Image

    def shown(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Scale values to 0..1, and resize them to the thumbnail's size."""
        low, high = float(values.min()), float(values.max())
        grey = Image.fromarray(((values - low) / max(high - low, 1e-9)).astype(np.float32))
        scale = min(1.0, SIDE / max(pixels.shape[1:]))
        size = (max(1, round(pixels.shape[2] * scale)), max(1, round(pixels.shape[1] * scale)))
        return np.asarray(grey.resize(size, Image.Resampling.BILINEAR))[..., None]

    heat = _STRENGTH * shown(rollout)
    blended = (1 - heat) * shown(pixels.mean(axis=0)) + heat * np.array(_HOT, np.float32)
    file = BytesIO()
    Image.fromarray(np.round(blended * 255).astype(np.uint8)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
