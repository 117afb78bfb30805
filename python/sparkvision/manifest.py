"""The manifest of a bundle, `sparkvision.json`: its fields, and their conversion from and to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from sparkvision.errors import BundleError
from sparkvision.tensors import GoldenPair, TensorSpec
from sparkvision.text_model import TextModel

SCHEMA_VERSION = 1
MANIFEST = "sparkvision.json"
CLASSIFICATION = "image-classification"
FEATURE_EXTRACTION = "feature-extraction"
OBJECT_DETECTION = "object-detection"
ZERO_SHOT = "zero-shot-image-classification"
TASKS = (CLASSIFICATION, FEATURE_EXTRACTION, OBJECT_DETECTION, ZERO_SHOT)
ProblemType: TypeAlias = Literal["single_label_classification", "multi_label_classification", "regression"]
PROBLEM_TYPES: tuple[str, ...] = get_args(ProblemType)
Layout: TypeAlias = Literal["NCHW", "NHWC"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
PrecisionName: TypeAlias = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[str, ...] = get_args(PrecisionName)
FULL_PRECISION: PrecisionName = "fp32"
# The largest difference of an output that a float32 graph may have to the model that it was made from.
FULL_PRECISION_TOLERANCE = 1e-3


@dataclass(frozen=True)
class FileEntry:
    """The expected SHA-256 (in hexadecimal) and size in bytes of a file of the bundle."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Accuracy:
    """The measured difference between a bundle of lower precision and its float32 graph, on images.

    Attributes
    ----------
    reference : str
        The precision of the reference.
    images : int
        Number of images that both graphs ran, one at a time.
    same_top_label : int or None
        On how many images the largest logit has the same index; None for a bundle without labels.
    largest_difference : float
        Largest absolute difference of any output.
    largest_value : float
        Largest absolute value of the outputs of the reference, for comparison with the difference.
    calibration_images : int
        Number of images that the ranges of activations were taken from; 0 if each batch has its own ranges, or no
        ranges are needed.
    """

    reference: str
    images: int
    same_top_label: int | None
    largest_difference: float
    largest_value: float
    calibration_images: int

    def to_json(self) -> dict[str, Any]:
        """Return the accuracy as a JSON object. The keys are part of the bundle's format."""
        return {
            "reference": self.reference,
            "pictures": self.images,
            "sameTopLabel": self.same_top_label,
            "largestDifference": self.largest_difference,
            "largestValue": self.largest_value,
            "calibrationPictures": self.calibration_images,
        }

    @staticmethod
    def from_json(value: Any) -> Accuracy:
        """Read the accuracy from a JSON object; raise a KeyError, TypeError or ValueError for a wrong object."""
        same = value["sameTopLabel"]
        accuracy = Accuracy(
            reference=str(value["reference"]),
            images=int(value["pictures"]),
            same_top_label=None if same is None else int(same),
            largest_difference=float(value["largestDifference"]),
            largest_value=float(value["largestValue"]),
            calibration_images=int(value["calibrationPictures"]),
        )
        if not 0 <= (accuracy.same_top_label or 0) <= accuracy.images:
            raise ValueError(f"accuracy has the same top label on {same} of {accuracy.images} images")
        if not accuracy.largest_difference >= 0:
            raise ValueError(f"accuracy has a largest difference of {accuracy.largest_difference}")
        return accuracy


@dataclass(frozen=True)
class Manifest:
    """The content of `sparkvision.json`, whose fields have the same names in camel case.

    Attributes
    ----------
    labels : tuple of str
        In the order of the class ids; a name may occur twice. Empty for the task ``feature-extraction``.
    problem_type : str
        One of `PROBLEM_TYPES`, as transformers names them; without meaning for the task ``feature-extraction``.
    tolerance : mapping of str to float
        Largest allowed absolute difference to the golden output, by precision.
    files : mapping of str to FileEntry
        Every file of the bundle except the manifest, by its path relative to the bundle, with ``/``.
    exporters : mapping of str to str
        Version of every library that took part in the export.
    input_layout : str
        One of `LAYOUTS`: the order of the axes of the input. Written only if it is ``NHWC``.
    accuracy : Accuracy, optional
        For a bundle whose precision is not float32.
    text : TextModel, optional
        For the task ``zero-shot-image-classification``.
    """

    task: str
    architecture: str
    model_type: str
    opset: int
    ir_version: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    labels: tuple[str, ...]
    problem_type: str
    precision: str
    tolerance: Mapping[str, float]
    golden: GoldenPair
    files: Mapping[str, FileEntry]
    exporters: Mapping[str, str]
    input_layout: str = "NCHW"
    accuracy: Accuracy | None = None
    text: TextModel | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as the JSON object of `sparkvision.json`."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "task": self.task,
            "architecture": self.architecture,
            "modelType": self.model_type,
            "opset": self.opset,
            "irVersion": self.ir_version,
            "inputs": [tensor.to_json() for tensor in self.inputs],
            "outputs": [tensor.to_json() for tensor in self.outputs],
            **({"inputLayout": self.input_layout} if self.input_layout != "NCHW" else {}),
            "labels": list(self.labels),
            "problemType": self.problem_type,
            "precision": self.precision,
            "tolerance": dict(self.tolerance),
            **({"accuracy": self.accuracy.to_json()} if self.accuracy is not None else {}),
            "golden": self.golden.to_json(),
            **({"text": self.text.to_json()} if self.text is not None else {}),
            "files": {name: {"sha256": f.sha256, "size": f.size} for name, f in sorted(self.files.items())},
            "exporters": dict(self.exporters),
        }

    @staticmethod
    def from_json(value: Any) -> Manifest:
        """Read the manifest from a parsed `sparkvision.json`.

        Raises
        ------
        BundleError
            If the schema version is not supported, or a field is missing or of the wrong kind.
        """
        if not isinstance(value, dict):
            raise BundleError(f"{MANIFEST} holds {type(value).__name__} instead of an object; export the model again")
        if value.get("schemaVersion") != SCHEMA_VERSION:
            raise BundleError(
                f"{MANIFEST} has schemaVersion {value.get('schemaVersion')!r}, this SparkVision reads "
                f"{SCHEMA_VERSION}; export the model again with this version, or install the one that wrote it"
            )
        try:
            return Manifest(
                task=str(value["task"]),
                architecture=str(value["architecture"]),
                model_type=str(value["modelType"]),
                opset=int(value["opset"]),
                ir_version=int(value["irVersion"]),
                inputs=tuple(TensorSpec.from_json(t) for t in value["inputs"]),
                outputs=tuple(TensorSpec.from_json(t) for t in value["outputs"]),
                labels=tuple(str(label) for label in value["labels"]),
                problem_type=_one_of(PROBLEM_TYPES, value["problemType"]),
                precision=str(value["precision"]),
                tolerance={str(k): float(v) for k, v in value["tolerance"].items()},
                golden=GoldenPair.from_json(value["golden"]),
                files={str(k): FileEntry(str(v["sha256"]), int(v["size"])) for k, v in value["files"].items()},
                exporters={str(k): str(v) for k, v in value["exporters"].items()},
                input_layout=_one_of(LAYOUTS, value.get("inputLayout", "NCHW")),
                accuracy=Accuracy.from_json(value["accuracy"]) if "accuracy" in value else None,
                text=TextModel.from_json(value["text"]) if "text" in value else None,
            )
        except KeyError as error:
            raise BundleError(f"{MANIFEST} lacks the field {error}; export the model again") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"{MANIFEST} has a field of the wrong kind ({error}); export the model again") from error


def _one_of(known: tuple[str, ...], value: Any) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")
    return str(value)
