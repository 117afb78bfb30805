"""One export from beginning to end: load, trace, write, read back, compare, put in place."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sparkvision import __version__
from sparkvision.bundle import Bundle, describe_files, write_manifest
from sparkvision.errors import ExportError
from sparkvision.export import (
    ExportReport,
    assets,
    checkpoint,
    destination,
    graph,
    labels,
    optimise,
    pictures,
    text,
    verify,
)
from sparkvision.export.candidate_labels import CandidateLabels
from sparkvision.export.checkpoint import DETECTION, FEATURES, ZERO_SHOT, Checkpoint
from sparkvision.export.precision import Precision, lower
from sparkvision.export.preprocessing import preprocess
from sparkvision.export.progress import Progress
from sparkvision.export.quiet import quiet
from sparkvision.export.text import TextHalf
from sparkvision.manifest import FULL_PRECISION, Manifest
from sparkvision.tensors import GoldenPair
from sparkvision.text_model import TextModel

if TYPE_CHECKING:
    from PIL.Image import Image

# Largest absolute difference of an output between the exported float32 graph and its source.
TOLERANCE = 1e-3

_LIBRARIES = ("torch", "transformers", "optimum", "optimum-onnx", "onnx", "onnxruntime")


@dataclass(frozen=True)
class ExportJob:
    """What to export and how; see `sparkvision.export.export` for the meaning of each field."""

    source: str
    task: str
    opset: int | None
    labels_file: str | Path | None
    images: str | Path | None
    precision: Precision = Precision()
    attentions: bool = False
    optimize: bool = False
    candidates: CandidateLabels | None = None

    def run(self, out: Path, write: Callable[[str], None] | None) -> ExportReport:
        """Export to `out`, telling each step to `write`."""
        self._require_possible()
        destination.require_replaceable(out)
        opset = graph.choose_opset(self.opset)
        comparison = pictures.made_in_code() if self.images is None else pictures.from_folder(self.images)
        progress = Progress(5 + self.precision.steps, write)
        with quiet(), destination.written_beside(out) as folder:
            with progress.step(f"Loading {self.source}"):
                source = checkpoint.load(self.source, self.task, self.attentions)
                names = self._labels(source)
                parameters = sum(parameter.numel() for parameter in source.model.parameters())
                progress.note(f"{type(source.model).__name__}, {parameters:,} parameters, {len(names)} labels")
                # Detectors' checkpoints call every id "N/A" that no object has.
                if self.task != DETECTION and (shared := labels.shared_names(names)):
                    progress.note(shared)
            with progress.step(f"Exporting to ONNX, opset {opset}"):
                graph.write(source, folder, opset)
                if self.optimize:
                    progress.note(f"{optimise.write(folder)} operators fused")
            with progress.step("Writing assets and golden pair"):
                assets.write_assets(folder, names, source.processor_config)
                golden = _write_golden(source, comparison[0], folder)
                half = TextHalf.of(source) if self.task == ZERO_SHOT else None
                text_model = None if half is None else text.write(half, self._candidates, folder, opset)
            with progress.step("Writing the manifest"):
                write_manifest(folder, _manifest(source, names, golden, folder, text_model))
            with progress.step(f"Reading back, and comparing with torch on {len(comparison)} pictures"):
                verification = verify.verify(folder, source, comparison)
                progress.note(_summary(verification))
                verify.require_within(verification, TOLERANCE, self.source)
                if half is not None:
                    progress.note(text.compare(half, folder, TOLERANCE))
            lower(folder, self.precision, partial(preprocess, source.processor), self.images, progress)
        return ExportReport(Bundle.read(out), verification.largest_difference, verification.pictures)

    @property
    def _candidates(self) -> CandidateLabels:
        return self.candidates or CandidateLabels()

    def _require_possible(self) -> None:
        if self.candidates is not None and self.task != ZERO_SHOT:
            raise ExportError(f"candidate labels make no sense for {self.task}; they are for {ZERO_SHOT}")
        is_lowered = self.precision.name != FULL_PRECISION or self.optimize
        if self.task == DETECTION and is_lowered:
            raise ExportError(
                f"{DETECTION} is exported with precision {FULL_PRECISION} and not optimised, because nobody has "
                "measured what anything else does to boxes; leave precision and optimize away"
            )
        if self.task == ZERO_SHOT and (is_lowered or self.attentions):
            raise ExportError(
                f"{ZERO_SHOT} is exported with precision {FULL_PRECISION}, not optimised and without attentions; leave "
                "precision, optimize and attentions away"
            )

    def _labels(self, source: Checkpoint) -> tuple[str, ...]:
        if source.task == ZERO_SHOT and self.labels_file is None:
            return self._candidates.labels
        if source.task in (FEATURES, ZERO_SHOT):
            if self.labels_file is not None:
                raise ExportError(f"labels make no sense for {source.task}; leave {self.labels_file} away")
            return ()
        if self.labels_file is not None:
            return labels.from_file(self.labels_file, expected=source.config.num_labels)
        return labels.from_config(source.config.id2label)


def _write_golden(source: Checkpoint, picture: Image, folder: Path) -> GoldenPair:
    """Write one random tensor and one picture, and the source model's own first output for them."""
    import torch

    pixels = source.pixel_values(picture)
    if source.sizes_vary:
        # The picture's corner: a session opens quickly, and the file stays small.
        _, height, width = source.pixel_shape
        pixels = pixels[:, :, :height, :width]
    random = torch.from_numpy(verify.random_pixel_values(pixels.shape))
    given = torch.cat([random, pixels])
    expected = source.outputs(given)[source.output_names[0]]
    return assets.write_golden(folder, given.numpy(), expected.numpy())


def _manifest(
    source: Checkpoint, names: Sequence[str], golden: GoldenPair, folder: Path, text_model: TextModel | None
) -> Manifest:
    facts = graph.read_facts(folder)
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
        tolerance={FULL_PRECISION: TOLERANCE},
        golden=golden,
        files=describe_files(folder),
        exporters={"sparkvision": __version__, **{name: importlib.metadata.version(name) for name in _LIBRARIES}},
        text=text_model,
    )


def _summary(verification: verify.Verification) -> str:
    return (
        f"largest difference in {' and '.join(verification.output_names)}: {verification.random_difference:.2e} on "
        f"random tensors, {verification.picture_difference:.2e} on pictures, {verification.golden_difference:.2e} on "
        f"the golden pair (allowed {TOLERANCE:g}; largest value {verification.largest_value:.2f})"
    )
