"""The engine's single steps, from Python: what the tests compare with Pillow and transformers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from sparkvision._engine.gateway import jvm

Pixels = npt.NDArray[np.uint8]


def scala_pixels(pixels: Pixels) -> Any:
    """Hand an array of shape [height, width, 3] to the JVM."""
    height, width, _ = pixels.shape
    return jvm().sparkvision.image.Pixels(width, height, pixels.tobytes())


def resize(pixels: Pixels, size: tuple[int, int], resample: int, backend: str = "pillow") -> Pixels:
    """Scale an image to a width and height, as ``Image.resize`` takes them."""
    image = jvm().sparkvision.image
    width, height = size
    scaled = image.resample.Resample.resize(
        scala_pixels(pixels),
        image.PixelSize(height, width),
        image.resample.ResampleFilter.byId(resample),
        image.Window(0, 0, height, width),
        image.resample.ResizeBackend.parse(backend),
    )
    return np.frombuffer(scaled.rgb(), np.uint8).reshape(height, width, 3)


def preprocess(config: dict[str, Any], images: list[Pixels]) -> npt.NDArray[np.float32]:
    """Make the model's input, [n, 3, height, width], as a preprocessor_config.json says."""
    processors = jvm().sparkvision.image.preprocess
    channels_first = processors.ChannelLayout.parse("NCHW")
    preprocessor = processors.Preprocessor(processors.ProcessorConfig.parse(json.dumps(config)), channels_first)
    shape = (3, preprocessor.height(), preprocessor.width())
    buffer = jvm().java.nio.ByteBuffer.allocate(4 * int(np.prod(shape)))
    inputs = []
    for image in images:
        preprocessor.process(scala_pixels(image), buffer.asFloatBuffer())
        inputs.append(np.frombuffer(buffer.array(), ">f4").reshape(shape))
    return np.stack(inputs).astype(np.float32)
