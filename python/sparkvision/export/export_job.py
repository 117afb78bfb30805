"""One export from beginning to end: load, trace, write, compare with the source, and put in place."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sparkvision._version import VERSION
from sparkvision.bundle import Bundle, describe_files, write_manifest
from sparkvision.errors import ExportError
from sparkvision.export import bundle_writer, conversion, labels, onnx_graph, self_check, text_encoder
from sparkvision.export.checkpoint import Checkpoint, load
from sparkvision.export.images import comparison_images, preprocess
from sparkvision.export.labels import CandidateLabels
from sparkvision.export.precision import Precision, convert_bundle
from sparkvision.export.progress import ProgressOption, StepProgress, quiet
from sparkvision.export.text_encoder import TextEncoder
from sparkvision.manifest import (
    FEATURE_EXTRACTION,
    FULL_PRECISION,
    FULL_PRECISION_TOLERANCE,
    OBJECT_DETECTION,
    ZERO_SHOT,
    Manifest,
)
from sparkvision.tensors import GoldenPair
from sparkvision.text_model import TextModel

if TYPE_CHECKING:
    from PIL.Image import Image

_LIBRARIES = ("torch", "transformers", "optimum", "optimum-onnx", "onnx", "onnxruntime")


@dataclass(frozen=True)
class ExportReport:
    """A finished export.

    Attributes
    ----------
    bundle : Bundle
        The written bundle.
    largest_difference : float
        Largest absolute difference of any output between ONNX Runtime and the source model, over random tensors,
        images and the golden pair.
    images : int
        Number of images compared.
    """

    bundle: Bundle
    largest_difference: float
    images: int


@dataclass(frozen=True)
class ExportJob:
    """The options of an export; see `sparkvision.export.export` for the meaning of each field."""

    source: str
    task: str
    opset: int | None
    labels_file: str | Path | None
    images: str | Path | None
    precision: Precision = Precision()
    attentions: bool = False
    optimize: bool = False
    candidates: CandidateLabels | None = None

    def run(self, out: Path, show: ProgressOption) -> ExportReport:
        """Export to `out`, and report each step."""
        self._require_possible()
        bundle_writer.require_replaceable(out)
        opset = onnx_graph.choose_opset(self.opset)
        images = comparison_images(self.images)
        progress = StepProgress(5 + self.precision.steps, show)
        with quiet(), bundle_writer.written_beside(out) as folder:
            with progress.step(f"Loading {self.source}"):
                source = load(self.source, self.task, self.attentions)
                names = self._labels(source)
                parameters = sum(parameter.numel() for parameter in source.model.parameters())
                progress.note(f"{type(source.model).__name__}, {parameters:,} parameters, {len(names)} labels")
                # Checkpoints of detectors call every id that no object has "N/A".
                if self.task != OBJECT_DETECTION and (shared := labels.shared_names(names)):
                    progress.note(shared)
            with progress.step(f"Exporting to ONNX, opset {opset}"):
                onnx_graph.write(source, folder, opset)
                if self.optimize:
                    progress.note(f"{conversion.fuse(folder)} operators fused")
            with progress.step("Writing assets and golden pair"):
                bundle_writer.write_assets(folder, names, source.processor_config)
                golden = _write_golden(source, images[0], folder)
                encoder = TextEncoder.of(source) if self.task == ZERO_SHOT else None
                text = None if encoder is None else text_encoder.write(encoder, self._candidates, folder, opset)
            with progress.step("Writing the manifest"):
                write_manifest(folder, _manifest(source, names, golden, folder, text))
            with progress.step(f"Reading back, and comparing with torch on {len(images)} images"):
                check = self_check.compare(folder, source, images)
                progress.note(check.summary(FULL_PRECISION_TOLERANCE))
                self_check.require_within(check, FULL_PRECISION_TOLERANCE, self.source)
                if encoder is not None:
                    progress.note(text_encoder.compare(encoder, folder, FULL_PRECISION_TOLERANCE))
            convert_bundle(folder, self.precision, partial(preprocess, source.processor), self.images, progress)
        return ExportReport(Bundle.read(out), check.largest_difference, check.images)

    @property
    def _candidates(self) -> CandidateLabels:
        return self.candidates or CandidateLabels()

    def _require_possible(self) -> None:
        if self.candidates is not None and self.task != ZERO_SHOT:
            raise ExportError(f"candidate labels make no sense for {self.task}; they are for {ZERO_SHOT}")
        is_converted = self.precision.name != FULL_PRECISION or self.optimize
        if self.task == OBJECT_DETECTION and is_converted:
            raise ExportError(
                f"{OBJECT_DETECTION} is exported with precision {FULL_PRECISION} and not optimised, because the effect "
                "of anything else on boxes has not been measured; omit precision and optimize"
            )
        if self.task == ZERO_SHOT and (is_converted or self.attentions):
            raise ExportError(
                f"{ZERO_SHOT} is exported with precision {FULL_PRECISION}, not optimised and without attentions; omit "
                "precision, optimize and attentions"
            )

    def _labels(self, source: Checkpoint) -> tuple[str, ...]:
        if source.task == ZERO_SHOT and self.labels_file is None:
            return self._candidates.labels
        if source.task in (FEATURE_EXTRACTION, ZERO_SHOT):
            if self.labels_file is not None:
                raise ExportError(f"labels make no sense for {source.task}; omit {self.labels_file}")
            return ()
        if self.labels_file is not None:
            return labels.from_file(self.labels_file, expected=source.config.num_labels)
        return labels.from_config(source.config.id2label)


def _write_golden(source: Checkpoint, image: Image, folder: Path) -> GoldenPair:
    """Write one random tensor and one image, and the source model's own first output for both."""
    import torch

    pixels = source.pixel_values(image)
    if source.sizes_vary:
        # A corner of the image suffices: the golden pair is run when a session opens, and its file stays small.
        _, height, width = source.pixel_shape
        pixels = pixels[:, :, :height, :width]
    random = torch.from_numpy(self_check.random_pixel_values(pixels.shape))
    given = torch.cat([random, pixels])
    expected = source.outputs(given)[source.output_names[0]]
    return bundle_writer.write_golden(folder, given.numpy(), expected.numpy())


def _manifest(
    source: Checkpoint, names: Sequence[str], golden: GoldenPair, folder: Path, text: TextModel | None
) -> Manifest:
    facts = onnx_graph.read_facts(folder)
    return Manifest(
        task=source.task,
        architecture=type(source.model).__name__,
        model_type=source.config.model_type,
        opset=facts.opset,
        ir_version=facts.ir_version,
        inputs=facts.inputs,
        outputs=facts.outputs,
        labels=tuple(names),
        problem_type=source.problem_type,
        precision=FULL_PRECISION,
        tolerance={FULL_PRECISION: FULL_PRECISION_TOLERANCE},
        golden=golden,
        files=describe_files(folder),
        exporters={"sparkvision": VERSION, **{name: importlib.metadata.version(name) for name in _LIBRARIES}},
        text=text,
    )
