"""One import from beginning to end: read the files, match them, write the bundle, run it, and put it in place."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision._version import VERSION
from sparkvision.bundle import PREPROCESSOR, Bundle, describe_files, write_manifest
from sparkvision.errors import ExportError, ParameterError, first_line
from sparkvision.export import bundle_writer, labels
from sparkvision.export.export_job import ExportReport
from sparkvision.export.images import comparison_images, pixel_shape, preprocess
from sparkvision.export.onnx_graph import open_session, read_facts, run, save
from sparkvision.export.precision import Precision, convert_bundle
from sparkvision.export.progress import ProgressOption, StepProgress, quiet
from sparkvision.export.self_check import random_pixel_values
from sparkvision.importing.foreign_graph import ForeignGraph, read
from sparkvision.manifest import (
    CLASSIFICATION,
    FULL_PRECISION,
    FULL_PRECISION_TOLERANCE,
    PROBLEM_TYPES,
    Manifest,
)
from sparkvision.tensors import GoldenPair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float32]

_LIBRARIES = ("transformers", "onnx", "onnxruntime")

# The largest difference from one that the sum of a row of probabilities may have.
_SUM_TOLERANCE = 1e-4


@dataclass(frozen=True)
class ImportJob:
    """The options of an import; see `sparkvision.importing.import_onnx` for the meaning of each field."""

    graph: Path
    labels: Path
    preprocessor: Path
    problem_type: str | None
    layout: str | None
    images: str | Path | None
    precision: Precision = Precision()

    def run(self, out: Path, show: ProgressOption) -> ExportReport:
        """Import to `out`, and report each step."""
        bundle_writer.require_replaceable(out)
        if self.problem_type is not None and self.problem_type not in PROBLEM_TYPES:
            raise ExportError(f"there is no problem type {self.problem_type!r}; give one of {', '.join(PROBLEM_TYPES)}")
        images = comparison_images(self.images)
        progress = StepProgress(3 + self.precision.steps, show)
        with quiet(), bundle_writer.written_beside(out) as folder:
            with progress.step(f"Reading {self.graph}"):
                graph = read(self.graph, self.layout)
                names = labels.from_file(self.labels)
                if shared := labels.shared_names(names):
                    progress.note(shared)
                bundle_writer.write_assets(folder, names, _read_processor_config(self.preprocessor))
                processor = _load_processor(folder, self.preprocessor)
                problem_type = self._make_fit(graph, len(names), processor, progress)
                save(graph.model, folder)
            with progress.step(f"Running it with ONNX Runtime on {len(images)} images"):
                given = _pixels(processor, images, graph.layout)
                outputs, difference = _run_all(folder, graph, given)
                _require_scores(outputs, len(names), problem_type, self)
                progress.note(f"largest difference between an image alone and in a batch: {difference:.2e}")
            with progress.step("Writing golden pair and manifest"):
                golden = bundle_writer.write_golden(folder, given[:2], outputs[:2])
                write_manifest(folder, _manifest(graph, names, problem_type, golden, folder))
                Bundle.read(folder).verify_files()
            convert_bundle(
                folder, self.precision, partial(_pixel_values, processor, graph.layout), self.images, progress
            )
        return ExportReport(Bundle.read(out), difference, len(images))

    def _make_fit(self, graph: ForeignGraph, classes: int, processor: Any, progress: StepProgress) -> str:
        """Change the graph to one that the engine runs: any batch size, the processor's image size, and logits."""
        problem_type = self.problem_type or graph.problem_type(classes)
        if graph.classes() not in (classes, None):
            raise ExportError(
                f"{self.labels} holds {classes} labels, but {self.graph} gives {graph.classes()} numbers for an "
                "image; give one label per class"
            )
        _, height, width = pixel_shape(str(self.preprocessor), processor)
        for fixed, made in zip(graph.size(), (height, width), strict=True):
            if fixed not in (made, None):
                raise ExportError(
                    f"{self.graph} takes images of [height, width] {list(graph.size())}, but {self.preprocessor} "
                    f"makes {[height, width]}; make `size` or `crop_size` there agree"
                )
        removed = graph.end_in_logits() if problem_type != "regression" else None
        graph.declare_shapes(height, width, classes)
        progress.note(f"{graph.layout}, {classes} labels, {problem_type}")
        if removed:
            progress.note(f"the graph ends in {removed}, which is removed in the bundle: SparkVision needs logits")
        return problem_type


def _read_processor_config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ParameterError(f"{path}: there is no such file; give a preprocessor_config.json")
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
    except Exception as error:  # transformers raises exceptions of many kinds for invalid settings
        raise ExportError(f"{source} names no image processor that transformers knows: {first_line(error)}") from error


def _pixels(processor: Any, images: Sequence[Image], layout: str) -> Floats:
    """Return one random tensor and then all images, in the graph's layout."""
    import numpy as np

    made = np.concatenate([_pixel_values(processor, layout, image) for image in images])
    return np.concatenate([random_pixel_values((1, *made.shape[1:])), made])


def _pixel_values(processor: Any, layout: str, image: Image) -> Floats:
    import numpy as np

    made = preprocess(processor, image)
    return np.ascontiguousarray(made if layout == "NCHW" else made.transpose(0, 2, 3, 1))


def _run_all(folder: Path, graph: ForeignGraph, given: Floats) -> tuple[Floats, float]:
    """Run all images alone, and three in a batch, to check that the batch size is free and images do not mix."""
    import numpy as np

    try:
        session = open_session(folder)
        alone = [run(session, given[index : index + 1])[0] for index in range(len(given))]
        together = run(session, given[:3])[0]
    except Exception as error:  # ONNX Runtime's exceptions have no common base class
        raise ExportError(
            f"{graph.path} cannot be run by ONNX Runtime with batches of 1 and 3 images: "
            f"{first_line(error)}; convert the model again with a free batch size"
        ) from error
    classes = alone[0].shape[-1]
    if together.shape != (min(3, len(given)), classes) or any(row.shape != (1, classes) for row in alone):
        raise ExportError(
            f"{graph.path} gives an output of shape {list(together.shape)} for 3 images and {list(alone[0].shape)} "
            "for one; convert the model again with a free batch size"
        )
    outputs = np.concatenate(alone)
    difference = float(np.abs(outputs[:3] - together).max())
    if not difference <= FULL_PRECISION_TOLERANCE:
        raise ExportError(
            f"{graph.path} gives an image another output in a batch than alone, by {difference:.3g}, more than the "
            f"{FULL_PRECISION_TOLERANCE:g} allowed; convert the model again for inference, with a free batch size"
        )
    return outputs, difference


def _require_scores(outputs: Floats, classes: int, problem_type: str, job: ImportJob) -> None:
    import numpy as np

    if outputs.shape[1] != classes:
        raise ExportError(
            f"{job.labels} holds {classes} labels, but {job.graph} gives {outputs.shape[1]} numbers for an image; "
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
            f"{job.graph} gives probabilities (the numbers of each image sum to one) and SparkVision needs logits; "
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
        tolerance={FULL_PRECISION: FULL_PRECISION_TOLERANCE},
        golden=golden,
        files=describe_files(folder),
        exporters={"sparkvision": VERSION, **{name: importlib.metadata.version(name) for name in _LIBRARIES}},
    )
