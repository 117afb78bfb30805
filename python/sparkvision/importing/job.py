"""One import from beginning to end: read, fit together, write, run, put in place."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision import __version__
from sparkvision.bundle import PREPROCESSOR, Bundle, describe_files, write_manifest
from sparkvision.errors import ExportError
from sparkvision.export import ExportReport, assets, destination, labels, pictures
from sparkvision.export.checkpoint import CLASSIFICATION
from sparkvision.export.checkpoint_files import first_line
from sparkvision.export.graph import read_facts, save
from sparkvision.export.job import TOLERANCE
from sparkvision.export.precision import Precision, lower
from sparkvision.export.preprocessing import pixel_shape, preprocess
from sparkvision.export.progress import Progress
from sparkvision.export.quiet import quiet
from sparkvision.export.verify import open_session, random_pixel_values, run
from sparkvision.importing.graph import ForeignGraph, read
from sparkvision.manifest import FULL_PRECISION, PROBLEM_TYPES, Manifest
from sparkvision.tensors import GoldenPair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float32]

_LIBRARIES = ("transformers", "onnx", "onnxruntime")

# How far rows of probabilities may be from summing to one.
_SUM_TOLERANCE = 1e-4


@dataclass(frozen=True)
class ImportJob:
    """What to import and how; see `sparkvision.importing.import_onnx` for the meaning of each field."""

    graph: Path
    labels: Path
    preprocessor: Path
    problem_type: str | None
    layout: str | None
    images: str | Path | None
    precision: Precision = Precision()

    def run(self, out: Path, write: Callable[[str], None] | None) -> ExportReport:
        """Import to `out`, telling each step to `write`."""
        destination.require_replaceable(out)
        if self.problem_type is not None and self.problem_type not in PROBLEM_TYPES:
            raise ExportError(f"problem type {self.problem_type!r} is none; give one of {', '.join(PROBLEM_TYPES)}")
        comparison = pictures.made_in_code() if self.images is None else pictures.from_folder(self.images)
        progress = Progress(3 + self.precision.steps, write)
        with quiet(), destination.written_beside(out) as folder:
            with progress.step(f"Reading {self.graph}"):
                graph = read(self.graph, self.layout)
                names = labels.from_file(self.labels)
                if shared := labels.shared_names(names):
                    progress.note(shared)
                assets.write_assets(folder, names, _read_processor_config(self.preprocessor))
                processor = _load_processor(folder, self.preprocessor)
                problem_type = self._make_fit(graph, len(names), processor, progress)
                save(graph.model, folder)
            with progress.step(f"Running it with ONNX Runtime on {len(comparison)} pictures"):
                given = _pixels(processor, comparison, graph.layout)
                outputs, difference = _run_all(folder, graph, given)
                _require_scores(outputs, len(names), problem_type, self)
                progress.note(f"largest difference between a picture alone and in a batch: {difference:.2e}")
            with progress.step("Writing golden pair and manifest"):
                golden = assets.write_golden(folder, given[:2], outputs[:2])
                write_manifest(folder, _manifest(graph, names, problem_type, golden, folder))
                Bundle.read(folder).verify_files()
            lower(folder, self.precision, partial(_pixel_values, processor, graph.layout), self.images, progress)
        return ExportReport(Bundle.read(out), difference, len(comparison))

    def _make_fit(self, graph: ForeignGraph, classes: int, processor: Any, progress: Progress) -> str:
        """Make the graph one that the engine runs: any batch size, pictures as the processor makes them, logits."""
        problem_type = self.problem_type or graph.problem_type(classes)
        if graph.classes() not in (classes, None):
            raise ExportError(
                f"{self.labels} holds {classes} labels, but {self.graph} gives {graph.classes()} numbers for a "
                "picture; give one label per class"
            )
        _, height, width = pixel_shape(str(self.preprocessor), processor)
        for fixed, made in zip(graph.size(), (height, width), strict=True):
            if fixed not in (made, None):
                raise ExportError(
                    f"{self.graph} takes pictures of [height, width] {list(graph.size())}, but {self.preprocessor} "
                    f"makes {[height, width]}; make `size` or `crop_size` there agree"
                )
        left_out = graph.end_in_logits() if problem_type != "regression" else None
        graph.declare_shapes(height, width, classes)
        progress.note(f"{graph.layout}, {classes} labels, {problem_type}")
        if left_out:
            progress.note(f"the graph ends in {left_out}, which is left out of the bundle: SparkVision takes logits")
        return problem_type


def _read_processor_config(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} cannot be read as JSON ({error}); give a preprocessor_config.json") from error
    if not isinstance(value, dict) or not {"image_processor_type", "feature_extractor_type"} & value.keys():
        raise ExportError(
            f'{path} does not say its image_processor_type; add for example "image_processor_type": "ViTImageProcessor"'
        )
    return value


def _load_processor(folder: Path, source: Path) -> Any:
    import transformers

    auto_class: Any = transformers.AutoImageProcessor
    try:
        return auto_class.from_pretrained((folder / PREPROCESSOR).parent, use_fast=False)
    except Exception as error:  # transformers raises nearly anything for settings that are not what they should be
        raise ExportError(f"{source} names no image processor that transformers knows: {first_line(error)}") from error


def _pixels(processor: Any, comparison: Sequence[Image], layout: str) -> Floats:
    """Give one random tensor and then all pictures, as the graph takes them."""
    import numpy as np

    made = np.concatenate([_pixel_values(processor, layout, picture) for picture in comparison])
    return np.concatenate([random_pixel_values((1, *made.shape[1:])), made])


def _pixel_values(processor: Any, layout: str, picture: Image) -> Floats:
    import numpy as np

    made = preprocess(processor, picture)
    return np.ascontiguousarray(made if layout == "NCHW" else made.transpose(0, 2, 3, 1))


def _run_all(folder: Path, graph: ForeignGraph, given: Floats) -> tuple[Floats, float]:
    """Run all pictures, alone and three together: the batch size must be free, and pictures must not mix."""
    import numpy as np

    try:
        session = open_session(folder)
        alone = [run(session, given[index : index + 1])[0] for index in range(len(given))]
        together = run(session, given[:3])[0]
    except Exception as error:  # ONNX Runtime's exceptions have no common type of their own
        raise ExportError(
            f"{graph.path} cannot be run by ONNX Runtime with batches of 1 and 3 pictures: "
            f"{first_line(error)}; convert the model again with a free batch size"
        ) from error
    classes = alone[0].shape[-1]
    if together.shape != (min(3, len(given)), classes) or any(row.shape != (1, classes) for row in alone):
        raise ExportError(
            f"{graph.path} gives an output of shape {list(together.shape)} for 3 pictures and {list(alone[0].shape)} "
            "for one; convert the model again with a free batch size"
        )
    outputs = np.concatenate(alone)
    difference = float(np.abs(outputs[:3] - together).max())
    if not difference <= TOLERANCE:
        raise ExportError(
            f"{graph.path} gives a picture another output in a batch than alone, by {difference:.3g}, more than the "
            f"{TOLERANCE:g} allowed; convert the model again for inference, with a free batch size"
        )
    return outputs, difference


def _require_scores(outputs: Floats, classes: int, problem_type: str, job: ImportJob) -> None:
    import numpy as np

    if outputs.shape[1] != classes:
        raise ExportError(
            f"{job.labels} holds {classes} labels, but {job.graph} gives {outputs.shape[1]} numbers for a picture; "
            "give one label per class"
        )
    sums = np.abs(outputs.sum(axis=1) - 1)
    if (
        problem_type == "single_label_classification"
        and classes > 1
        and outputs.min() >= 0
        and sums.max() < _SUM_TOLERANCE
    ):
        raise ExportError(
            f"{job.graph} gives probabilities (the numbers of each picture sum to one) and SparkVision takes logits; "
            "convert the model again without its softmax, or give --problem-type regression for the numbers as they are"
        )


def _manifest(
    graph: ForeignGraph, names: tuple[str, ...], problem_type: str, golden: GoldenPair, folder: Path
) -> Manifest:
    facts = read_facts(folder)
    return Manifest(
        task=CLASSIFICATION,
        architecture="onnx",
        model_type="onnx",
        opset=facts.opset,
        ir_version=facts.ir_version,
        inputs=facts.inputs,
        outputs=facts.outputs,
        input_layout=graph.layout,
        labels=names,
        problem_type=problem_type,
        precision=FULL_PRECISION,
        tolerance={FULL_PRECISION: TOLERANCE},
        golden=golden,
        files=describe_files(folder),
        exporters={"sparkvision": __version__, **{name: importlib.metadata.version(name) for name in _LIBRARIES}},
    )
