"""Does the written bundle compute what its source computes? Read back from disk, and compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.bundle import GRAPH, PREPROCESSOR, Bundle
from sparkvision.errors import ExportError
from sparkvision.export.checkpoint import Checkpoint
from sparkvision.export.preprocessing import preprocess, preprocess_batch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float32]
    Mask = NDArray[np.int64]
    Given = tuple[Floats, Mask | None]

# Two sizes, so that a batch size fixed by the tracer is found out.
_RANDOM_BATCHES = (1, 3)
_SEED = 20240501


@dataclass(frozen=True)
class Verification:
    """How far the bundle's outputs are from the source's.

    Attributes
    ----------
    random_difference, picture_difference, golden_difference : float
        Largest absolute difference of any output, on random tensors, on pictures and on the golden pair.
    pictures : int
        Number of pictures compared.
    largest_value : float
        Largest absolute value of the source's outputs, to judge the differences by.
    output_names : tuple of str
        The outputs that were compared.
    """

    random_difference: float
    picture_difference: float
    golden_difference: float
    pictures: int
    largest_value: float
    output_names: tuple[str, ...]

    @property
    def largest_difference(self) -> float:
        """The largest of all differences; not a number if any output is none."""
        import numpy as np

        return float(np.max([self.random_difference, self.picture_difference, self.golden_difference]))


def random_pixel_values(shape: Sequence[int], seed: int = _SEED) -> Floats:
    """Give seeded, normally distributed pixel values: what normalised pictures roughly look like to a model."""
    import numpy as np

    return np.random.default_rng(seed).standard_normal(tuple(shape), dtype=np.float32)


def verify(folder: Path, checkpoint: Checkpoint, pictures: Sequence[Image]) -> Verification:
    """Read the bundle back, check its files, and compare ONNX Runtime on the CPU with the source model.

    Parameters
    ----------
    folder : Path
        The written bundle.
    checkpoint : Checkpoint
        The source it was made from.
    pictures : sequence of PIL images
        RGB pictures; they go through the processor that is read back from the bundle.

    Returns
    -------
    Verification
        The differences; whether they are small enough is judged by `require_within`.

    Raises
    ------
    BundleError
        If a file is not what the manifest says.
    """
    import numpy as np

    bundle = Bundle.read(folder)
    bundle.verify_files()
    session = open_session(folder)
    processor = type(checkpoint.processor).from_json_file(folder / PREPROCESSOR)
    golden_input, golden_output = read_golden(bundle)
    random = [_compare(session, checkpoint, *given) for given in _random(checkpoint, golden_input.shape[1:])]
    real = [_compare(session, checkpoint, *given) for given in _preprocessed(checkpoint, processor, pictures)]
    return Verification(
        random_difference=float(np.max([difference for difference, _ in random])),
        picture_difference=float(np.max([difference for difference, _ in real])),
        golden_difference=_difference(run(session, golden_input)[0], golden_output),
        pictures=len(pictures),
        largest_value=float(np.max([value for _, value in random + real])),
        output_names=checkpoint.output_names,
    )


def require_within(verification: Verification, tolerance: float, source: str) -> None:
    """Refuse an export whose outputs differ from its source's by more than the tolerance.

    Raises
    ------
    ExportError
        Also when an output is not a number.
    """
    difference = verification.largest_difference
    if not difference <= tolerance:
        raise ExportError(
            f"{source}: the exported graph's {' and '.join(verification.output_names)} differ from the source model's "
            f"by {difference:.3g} (largest value {verification.largest_value:.3g}), more than the {tolerance:g} "
            "allowed; nothing was written. Try another --opset; if values are that large, check the weights"
        )


def read_golden(bundle: Bundle) -> tuple[Floats, Floats]:
    """Read the golden pair: input of shape [2, channels, height, width], first output of shape [2, ...]."""
    import numpy as np

    golden = bundle.manifest.golden
    given = np.fromfile(bundle.folder / golden.input, dtype="<f4").reshape(golden.input_shape)
    expected = np.fromfile(bundle.folder / golden.output, dtype="<f4").reshape(golden.output_shape)
    return given.astype(np.float32), expected.astype(np.float32)


def open_session(folder: Path, graph: str = GRAPH) -> Any:
    """Open a graph in the folder with ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # It takes turns with torch: threads that spin while they wait would take torch's cores.
    options.log_severity_level = 3  # what is wrong with a graph is told by us
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(folder / graph), options, providers=["CPUExecutionProvider"])


def run(session: Any, pixel_values: Floats, mask: Mask | None = None) -> list[Floats]:
    """Give all outputs of the graph, in its order; without a mask every pixel is a picture's."""
    import numpy as np

    pixels, *masks = (given.name for given in session.get_inputs())
    fed: dict[str, Any] = {pixels: pixel_values}
    for name in masks:
        batch, _, height, width = pixel_values.shape
        fed[name] = np.ones((batch, height, width), np.int64) if mask is None else mask
    outputs: list[Floats] = session.run(None, fed)
    return outputs


def _random(checkpoint: Checkpoint, shape: Sequence[int]) -> Iterator[Given]:
    """Give batches of random pixels; for a detection model also of another size, and partly masked."""
    import numpy as np

    for count in _RANDOM_BATCHES:
        yield random_pixel_values((count, *shape), count), None
    if checkpoint.sizes_vary:
        height, width = shape[1] * 3 // 4, shape[2] * 3 // 2
        mask = np.ones((2, height, width), np.int64)
        mask[1, height // 2 :], mask[1, :, width // 3 :] = 0, 0
        pixels = random_pixel_values((2, 3, height, width)) * mask[:, np.newaxis].astype(np.float32)
        yield pixels, mask if checkpoint.takes_mask else None


def _preprocessed(checkpoint: Checkpoint, processor: Any, pictures: Sequence[Image]) -> Iterator[Given]:
    """Give each picture in a batch of its own; for a detection model also two of them together, padded to one size."""
    for picture in pictures:
        yield preprocess(processor, picture), None
    if checkpoint.sizes_vary:
        yield preprocess_batch(processor, pictures[:2])


def _compare(
    session: Any, checkpoint: Checkpoint, pixel_values: Floats, mask: Mask | None = None
) -> tuple[float, float]:
    """Give the largest difference of any output, and the largest absolute value of the source's."""
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
        raise ExportError(f"the exported graph gives an output of shape {found.shape}, the source {expected.shape}")
    return float(np.abs(found - expected).max())
