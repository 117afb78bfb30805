"""Comparison of a written bundle, which is read back from disk, with the checkpoint that it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import PREPROCESSOR, Bundle
from sparkvision.errors import ExportError
from sparkvision.export.checkpoint import Checkpoint
from sparkvision.export.images import preprocess, preprocess_batch
from sparkvision.export.onnx_graph import open_session, run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float32]
    Mask = NDArray[np.int64]
    ModelInput = tuple[Floats, Mask | None]

# Two sizes, so that a batch size that the tracer has fixed is found.
_RANDOM_BATCHES = (1, 3)
_SEED = 20240501


@dataclass(frozen=True)
class SelfCheck:
    """The differences between a bundle's outputs and its source's.

    Attributes
    ----------
    random_difference, image_difference, golden_difference : float
        Largest absolute difference of any output, on random tensors, on images and on the golden pair.
    images : int
        Number of images compared.
    largest_value : float
        Largest absolute value of the source's outputs, to judge the differences by.
    output_names : tuple of str
        The outputs that were compared.
    """

    random_difference: float
    image_difference: float
    golden_difference: float
    images: int
    largest_value: float
    output_names: tuple[str, ...]

    @property
    def largest_difference(self) -> float:
        """The largest of all differences; NaN if any output is NaN."""
        import numpy as np

        return float(np.max([self.random_difference, self.image_difference, self.golden_difference]))

    def summary(self, tolerance: float) -> str:
        """Return all differences in one line."""
        return (
            f"largest difference in {' and '.join(self.output_names)}: {self.random_difference:.2e} on random tensors, "
            f"{self.image_difference:.2e} on images, {self.golden_difference:.2e} on the golden pair (allowed "
            f"{tolerance:g}; largest value {self.largest_value:.2f})"
        )


def compare(folder: Path, checkpoint: Checkpoint, images: Sequence[Image]) -> SelfCheck:
    """Read the bundle back, check its files, and compare ONNX Runtime on the CPU with the source model.

    Parameters
    ----------
    folder : Path
        The written bundle.
    checkpoint : Checkpoint
        The source of the bundle.
    images : sequence of PIL images
        RGB images, which the processor that is read back from the bundle preprocesses.

    Returns
    -------
    SelfCheck
        The differences. `require_within` judges whether they are small enough.

    Raises
    ------
    BundleError
        If a file differs from what the manifest says.
    """
    import numpy as np

    bundle = Bundle.read(folder)
    bundle.verify_files()
    session = open_session(folder)
    processor = type(checkpoint.processor).from_json_file(folder / PREPROCESSOR)
    golden_input, golden_output = read_golden(bundle)
    random = [_compare(session, checkpoint, *given) for given in _random(checkpoint, golden_input.shape[1:])]
    real = [_compare(session, checkpoint, *given) for given in _preprocessed(checkpoint, processor, images)]
    return SelfCheck(
        random_difference=float(np.max([difference for difference, _ in random])),
        image_difference=float(np.max([difference for difference, _ in real])),
        golden_difference=_difference(run(session, golden_input)[0], golden_output),
        images=len(images),
        largest_value=float(np.max([value for _, value in random + real])),
        output_names=checkpoint.output_names,
    )


def require_within(check: SelfCheck, tolerance: float, source: str) -> None:
    """Refuse an export whose outputs differ from its source's by more than the tolerance.

    Raises
    ------
    ExportError
        Also if an output is NaN.
    """
    difference = check.largest_difference
    if not difference <= tolerance:
        raise ExportError(
            f"{source}: the exported graph's {' and '.join(check.output_names)} differ from the source model's "
            f"by {difference:.3g} (largest value {check.largest_value:.3g}), more than the {tolerance:g} "
            "allowed; nothing was written. Try another --opset; if values are that large, check the weights"
        )


def read_golden(bundle: Bundle) -> tuple[Floats, Floats]:
    """Read the golden pair: input of shape [2, channels, height, width], first output of shape [2, ...]."""
    import numpy as np

    golden = bundle.manifest.golden
    given = np.fromfile(bundle.folder / golden.input, dtype="<f4").reshape(golden.input_shape)
    expected = np.fromfile(bundle.folder / golden.output, dtype="<f4").reshape(golden.output_shape)
    return given.astype(np.float32), expected.astype(np.float32)


def random_pixel_values(shape: Sequence[int], seed: int = _SEED) -> Floats:
    """Return seeded, normally distributed pixel values, which resemble normalised images."""
    import numpy as np

    return np.random.default_rng(seed).standard_normal(tuple(shape), dtype=np.float32)


def _random(checkpoint: Checkpoint, shape: Sequence[int]) -> Iterator[ModelInput]:
    """Yield batches of random pixels; for a detection model also one of another size, which is partly masked."""
    import numpy as np

    for count in _RANDOM_BATCHES:
        yield random_pixel_values((count, *shape), count), None
    if checkpoint.sizes_vary:
        height, width = shape[1] * 3 // 4, shape[2] * 3 // 2
        mask = np.ones((2, height, width), np.int64)
        mask[1, height // 2 :], mask[1, :, width // 3 :] = 0, 0
        pixels = random_pixel_values((2, 3, height, width)) * mask[:, np.newaxis].astype(np.float32)
        yield pixels, mask if checkpoint.takes_mask else None


def _preprocessed(checkpoint: Checkpoint, processor: Any, images: Sequence[Image]) -> Iterator[ModelInput]:
    """Yield each image in a batch of its own; for a detection model also two images padded to one size."""
    for image in images:
        yield preprocess(processor, image), None
    if checkpoint.sizes_vary:
        yield preprocess_batch(processor, images[:2])


def _compare(
    session: Any, checkpoint: Checkpoint, pixel_values: Floats, mask: Mask | None = None
) -> tuple[float, float]:
    """Return the largest difference of any output, and the largest absolute value of the source's outputs."""
    import numpy as np
    import torch

    masks = None if mask is None else torch.from_numpy(mask)
    expected = [output.numpy() for output in checkpoint.outputs(torch.from_numpy(pixel_values), masks).values()]
    found = run(session, pixel_values, mask)
    differences = [_difference(ours, theirs) for ours, theirs in zip(found, expected, strict=True)]
    return float(np.max(differences)), float(np.max([np.abs(output).max() for output in expected]))


def _difference(found: Floats, expected: Floats) -> float:
    import numpy as np

    if found.shape != expected.shape:
        raise ExportError(f"the exported graph's output has shape {found.shape}, the source's {expected.shape}")
    return float(np.abs(found - expected).max())
