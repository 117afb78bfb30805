"""Pillow and onnxruntime, as the peers in Python use them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

Floats = npt.NDArray[np.float32]
Preparation = Callable[[bytes], Floats]


def open_session(model: Path, threads: int) -> Any:
    """Open a session on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def with_numpy(assets: Path) -> Preparation:
    """Resize with Pillow and normalise with numpy, which is faster than a processor of transformers."""
    config = json.loads((assets / "preprocessor_config.json").read_text())
    size = (config["size"]["width"], config["size"]["height"])
    mean = np.array(config["image_mean"], np.float32) * np.float32(255)
    deviation = np.array(config["image_std"], np.float32) * np.float32(255)

    def prepare(data: bytes) -> Floats:
        image = Image.open(io.BytesIO(data)).convert("RGB").resize(size, config["resample"])
        values: Floats = ((np.asarray(image, np.float32) - mean) / deviation).transpose(2, 0, 1)
        return values

    return prepare


def with_transformers(assets: Path) -> Preparation:
    """Prepare with transformers' slow processor."""
    from transformers import AutoImageProcessor

    processor: Any = AutoImageProcessor.from_pretrained(assets, use_fast=False)  # type: ignore[no-untyped-call]

    def prepare(data: bytes) -> Floats:
        image = Image.open(io.BytesIO(data)).convert("RGB")
        values: Floats = processor(image, return_tensors="np")["pixel_values"][0]
        return values

    return prepare


class PillowClassifier:
    """A session and the preprocessing.

    Parameters
    ----------
    bundle
        An exported model's folder.
    threads
        Of each run.
    preparation
        `with_numpy` or `with_transformers`.
    """

    def __init__(self, bundle: str, threads: int, preparation: Callable[[Path], Preparation] = with_numpy) -> None:
        self._session = open_session(Path(bundle) / "model.onnx", threads)
        self._prepare = preparation(Path(bundle) / "assets")

    def classify(self, images: Sequence[bytes], batch_size: int = 8) -> list[int]:
        """Return the id of each image's most likely class."""
        ids: list[int] = []
        for start in range(0, len(images), batch_size):
            tensors = np.stack([self._prepare(image) for image in images[start : start + batch_size]])
            ids += self._session.run(None, {"pixel_values": tensors})[0].argmax(axis=1).tolist()
        return ids
