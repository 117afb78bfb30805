"""The job's two models by Pillow, numpy and onnxruntime, as someone writes them who wants them fast."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.rivals.pillow_classifier import Floats, open_session

Box = tuple[int, int, int, int]


class PillowDetector:
    """A YOLOS that runs one image at a time: an image padded to the size of another has other boxes."""

    def __init__(self, bundle: Path, boxes: int) -> None:
        self._session = open_session(bundle / "model.onnx", threads=1)
        config = json.loads((bundle / "assets" / "preprocessor_config.json").read_text())
        self._shortest, self._longest = config["size"]["shortest_edge"], config["size"]["longest_edge"]
        self._mean, self._deviation = _normalisation(config)
        self._resample = config["resample"]
        self._boxes = boxes

    def prepare(self, image: Image.Image) -> Floats:
        """Resize and normalise: [1, 3, height, width]."""
        width, height = resized(image.size, self._shortest, self._longest)
        return _normalised(image.resize((width, height), self._resample), self._mean, self._deviation)[None]

    def boxes(self, values: Floats, image: Image.Image) -> list[Box]:
        """Find the best boxes, best first, rounded as `Image.crop` rounds them and within the image."""
        logits, boxes = self._session.run(["logits", "pred_boxes"], {"pixel_values": values})
        exponents = np.exp(logits[0] - logits[0].max(axis=1, keepdims=True))
        scores = (exponents / exponents.sum(axis=1, keepdims=True))[:, :-1].max(axis=1)
        best = boxes[0][np.argsort(-scores, kind="stable")[: self._boxes]]
        centre, half = best[:, :2], best[:, 2:] / 2
        edges = np.hstack([centre - half, centre + half]) * np.array(image.size * 2, np.float32)
        return [_within(tuple(box), image.size) for box in edges.tolist()]


class PillowEmbedder:
    """A ViT's class token."""

    def __init__(self, bundle: Path) -> None:
        self._session = open_session(bundle / "model.onnx", threads=1)
        config = json.loads((bundle / "assets" / "preprocessor_config.json").read_text())
        self._size = (config["size"]["width"], config["size"]["height"])
        self._mean, self._deviation = _normalisation(config)
        self._resample = config["resample"]

    def embed(self, crops: Sequence[Image.Image]) -> Floats:
        """Return the embeddings, [crops, numbers]."""
        resized = [_normalised(crop.resize(self._size, self._resample), self._mean, self._deviation) for crop in crops]
        hidden: Floats = self._session.run(["last_hidden_state"], {"pixel_values": np.stack(resized)})[0]
        return hidden[:, 0]


def resized(size: tuple[int, int], shortest: int, longest: int) -> tuple[int, int]:
    """Return width and height as transformers' processor of YOLOS has them: whole patches of 16 pixels."""
    width, height = size
    exact = float(shortest)
    if max(size) / min(size) * shortest > longest:
        exact = longest * min(size) / max(size)
        shortest = round(exact)
    if width < height:
        scaled = (shortest, int(exact * height / width))
    elif height == shortest:
        scaled = size
    else:
        scaled = (int(exact * width / height), shortest)
    return scaled[0] // 16 * 16, scaled[1] // 16 * 16


def _normalisation(config: dict[str, list[float]]) -> tuple[Floats, Floats]:
    """Return what is subtracted of samples from 0 to 255, and by what they are divided."""
    mean, deviation = (np.asarray(config[name], np.float32) for name in ("image_mean", "image_std"))
    return np.float32(255) * mean, np.float32(255) * deviation


def _normalised(image: Image.Image, mean: Floats, deviation: Floats) -> Floats:
    values: npt.NDArray[np.float32] = (np.asarray(image, np.float32) - mean) / deviation
    channels_first: npt.NDArray[np.float32] = values.transpose(2, 0, 1)
    return channels_first


def _within(box: Sequence[float], size: tuple[int, int]) -> Box:
    left, top, right, bottom = map(round, box)
    width, height = size
    return max(left, 0), max(top, 0), min(right, width), min(bottom, height)
