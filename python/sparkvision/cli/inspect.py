"""The command `sparkvision inspect`."""

from __future__ import annotations

import json
from typing import Any

from sparkvision._spark.embedded import SCHEME, local_folder
from sparkvision.bundle import PREPROCESSOR, Bundle
from sparkvision.cli.command import command
from sparkvision.cli.model_option import ModelArgument, local_bundle
from sparkvision.cli.spark.session import Conf
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.errors import BundleError
from sparkvision.export.precision import describe as describe_accuracy
from sparkvision.manifest import CLASSIFICATION, Manifest
from sparkvision.tensors import TensorSpec

_FIRST_LABELS = 5


@command("inspect", "sparkvision inspect my-vit/", "sparkvision inspect embedded:digits")
def inspect(model: ModelArgument, conf: Conf = None) -> None:
    """Describe a bundle, and verify its files.

    Every file is compared with the manifest's SHA-256.
    """
    settings = SparkSettings.of(None, conf, default="local[1]")
    with local_bundle(model, settings) as bundle, local_folder(bundle) as folder:
        read = Bundle.read(folder)
        print(describe(read, model if bundle != model or model.startswith(SCHEME) else None), flush=True)
        try:
            read.verify_files()
        except BundleError:
            print(f"{'files':<14} NOT as the manifest says", flush=True)
            raise
    print(f"{'files':<14} verified: all {len(read.manifest.files)} are as the manifest says")


def describe(bundle: Bundle, name: str | None = None) -> str:
    """Return a readable summary of a bundle, a line per fact. The preprocessor's settings are read from its file.

    Parameters
    ----------
    bundle : Bundle
        The bundle.
    name : str, optional
        The name to show. Default: the bundle's folder.

    Examples
    --------
    >>> print(describe(Bundle.read("my-vit")))  # doctest: +SKIP
    bundle         my-vit
    architecture   ViTForImageClassification (vit)
    ...
    """
    manifest = bundle.manifest
    shown = ", ".join(manifest.labels[:_FIRST_LABELS]) + (", ..." if len(manifest.labels) > _FIRST_LABELS else "")
    facts = [
        ("bundle", name or str(bundle.folder)),
        ("architecture", f"{manifest.architecture} ({manifest.model_type})"),
        (
            "task",
            ", ".join([manifest.task, *([manifest.problem_type] if manifest.task == CLASSIFICATION else [])]),
        ),
        *(("input", _tensor(spec)) for spec in manifest.inputs),
        *(("output", _tensor(spec)) for spec in manifest.outputs),
        *_text(manifest),
        ("preprocessing", _preprocessing(bundle)),
        ("labels", f"{len(manifest.labels)}: {shown}"),
        ("precision", ", ".join(f"{name}, tolerance {value:g}" for name, value in manifest.tolerance.items())),
        *_accuracy(manifest),
        ("opset", f"{manifest.opset} (IR version {manifest.ir_version})"),
        ("size", f"{bundle.size() / 1e6:,.1f} MB in {len(manifest.files)} files"),
        ("model hash", bundle.model_hash()),
        ("exporters", ", ".join(f"{name} {version}" for name, version in manifest.exporters.items())),
    ]
    return "\n".join(f"{name:<14} {value}" for name, value in facts)


def _text(manifest: Manifest) -> list[tuple[str, str]]:
    text = manifest.text
    if text is None:
        return []
    return [
        ("text input", _tensor(text.input)),
        ("text output", _tensor(text.output)),
        ("template", f"{text.hypothesis_template} (cosines times {text.logit_scale:g})"),
    ]


def _accuracy(manifest: Manifest) -> list[tuple[str, str]]:
    accuracy = manifest.accuracy
    if accuracy is None:
        return []
    calibration = [("calibration", f"{accuracy.calibration_images} images")]
    return [("accuracy", describe_accuracy(accuracy)), *(calibration if accuracy.calibration_images else [])]


def _preprocessing(bundle: Bundle) -> str:
    path = bundle.folder / PREPROCESSOR
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        # Older processors are named by feature_extractor_type. The other settings are shown as they are written.
        kind = settings.pop("image_processor_type", None) or settings.pop("feature_extractor_type", "unnamed processor")
        values = ", ".join(f"{name}={json.dumps(value)}" for name, value in settings.items() if value is not None)
    except (OSError, ValueError, AttributeError) as error:
        raise BundleError(f"{path} cannot be read ({error}); export the model again") from error
    return f"{kind}: {values}"


def _tensor(spec: TensorSpec) -> str:
    return f"{spec.name} {spec.type} [{', '.join(str(size) for size in spec.shape)}]"
