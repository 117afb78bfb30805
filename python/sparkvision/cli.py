"""The command line: `export` and `import` make bundles, `inspect` and `verify` look into them, `jars` are Spark's."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparkvision import __version__
from sparkvision.bundle import PREPROCESSOR, Bundle
from sparkvision.errors import BundleError, SparkVisionError
from sparkvision.importing.command import add_import
from sparkvision.manifest import TensorSpec
from sparkvision.verify.command import add_verify

_FIRST_LABELS = 5

_EXPORT_EXAMPLE = """\
example:
  sparkvision export google/vit-base-patch16-224 my-vit/
  sparkvision export ./my-checkpoint my-vit/ --images some-photos/
"""

_INSPECT_EXAMPLE = """\
example:
  sparkvision inspect my-vit/
"""

_JARS_EXAMPLE = """\
example:
  spark-submit --jars "$(sparkvision jars)" job.py
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name. Default: those of the process.

    Returns
    -------
    int
        0 when all is well, 1 after a refusal, which is told in one line on stderr. A wrong usage exits with 2.
        `verify` keeps 1 for differences: a refusal, which leaves no result, is 2 there.

    Examples
    --------
    >>> main(["inspect", "my-vit"])  # doctest: +SKIP
    0
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except SparkVisionError as error:
        print(f"sparkvision: {' '.join(str(error).split())}", file=sys.stderr)
        return int(options.refused)
    except OSError as error:  # a full disk, a folder without permission: the system's own words say it
        print(f"sparkvision: {error}", file=sys.stderr)
        return int(options.refused)
    except KeyboardInterrupt:
        print("sparkvision: interrupted; nothing was written", file=sys.stderr)
        return 130


def describe(bundle: Bundle) -> str:
    """Give a readable summary of a bundle, a line for each fact; its files are read and verified.

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
        ("bundle", str(bundle.folder)),
        ("architecture", f"{manifest.architecture} ({manifest.model_type})"),
        ("task", ", ".join([manifest.task, *([manifest.problem_type] if manifest.labels else [])])),
        *(("input", _tensor(spec)) for spec in manifest.inputs),
        *(("output", _tensor(spec)) for spec in manifest.outputs),
        ("preprocessing", _preprocessing(bundle)),
        ("labels", f"{len(manifest.labels)}: {shown}"),
        ("precision", ", ".join(f"{name}, tolerance {value:g}" for name, value in manifest.tolerance.items())),
        ("opset", f"{manifest.opset} (IR version {manifest.ir_version})"),
        ("size", f"{bundle.size() / 1e6:,.1f} MB in {len(manifest.files)} files"),
        ("model hash", bundle.model_hash()),
        ("exporters", ", ".join(f"{name} {version}" for name, version in manifest.exporters.items())),
    ]
    return "\n".join(f"{name:<14} {value}" for name, value in facts)


def _export(options: argparse.Namespace) -> None:
    from sparkvision.export import export

    report = export(
        options.source,
        options.out,
        task=options.task,
        opset=options.opset,
        labels=options.labels,
        images=options.images,
    )
    print(f"{report.bundle.folder}: {report.bundle.size() / 1e6:,.1f} MB, model {report.bundle.model_hash()[:12]}")


def _inspect(options: argparse.Namespace) -> None:
    bundle = Bundle.read(options.bundle)
    print(describe(bundle), flush=True)
    try:
        bundle.verify_files()
    except BundleError:
        print(f"{'files':<14} NOT as the manifest says", flush=True)
        raise
    print(f"{'files':<14} verified: all {len(bundle.manifest.files)} are as the manifest says")


def _jars(options: argparse.Namespace) -> None:
    # Brings pyspark with it, which the other commands do not need.
    from sparkvision._session import gpu_runtime, jars

    print(",".join(str(jar) for jar in jars(gpu=options.gpu)), flush=True)
    if options.gpu:
        print(f"and for the CUDA runtime: --packages {gpu_runtime()}", file=sys.stderr)


def _preprocessing(bundle: Bundle) -> str:
    path = bundle.folder / PREPROCESSOR
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        # No processor's name says how it was saved; the rest is shown as it is written there.
        kind = settings.pop("image_processor_type", None) or settings.pop("feature_extractor_type", "unnamed processor")
        values = ", ".join(f"{name}={json.dumps(value)}" for name, value in settings.items() if value is not None)
    except (OSError, ValueError, AttributeError) as error:
        raise BundleError(f"{path} cannot be read ({error}); export the model again") from error
    return f"{kind}: {values}"


def _tensor(spec: TensorSpec) -> str:
    return f"{spec.name} {spec.type} [{', '.join(str(size) for size in spec.shape)}]"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sparkvision",
        description="Vision Transformers as Spark ML stages: make bundles, look into them, verify them, name the jars.",
        epilog=_EXPORT_EXAMPLE + '  sparkvision inspect my-vit/\n  spark-submit --jars "$(sparkvision jars)" job.py\n',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(refused=1)
    parser.add_argument("--version", action="version", version=f"sparkvision {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_export(commands)
    add_import(commands)
    _add_inspect(commands)
    _add_jars(commands)
    add_verify(commands)
    return parser


def _add_export(commands: Any) -> None:
    export = commands.add_parser(
        "export",
        help="make a bundle from a Hugging Face checkpoint",
        description="Export a Hugging Face checkpoint to a bundle, and compare the two before it is put in place.",
        epilog=_EXPORT_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument("source", metavar="SOURCE", help="checkpoint folder, or id of a model on the hub")
    export.add_argument("out", metavar="OUT", type=Path, help="folder of the bundle; a bundle there is replaced")
    export.add_argument("--task", default="image-classification", help="or feature-extraction (default: %(default)s)")
    export.add_argument("--opset", type=int, metavar="N", help="ONNX operator set (default: 14)")
    export.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help='labels instead of the checkpoint\'s own: JSON {"label": id}, JSON array, or a label per line',
    )
    export.add_argument(
        "--images", type=Path, metavar="FOLDER", help="pictures to compare on (default: four made in code)"
    )
    export.set_defaults(run=_export)


def _add_inspect(commands: Any) -> None:
    inspect = commands.add_parser(
        "inspect",
        help="tell what is in a bundle, and verify its files",
        description="Print what is in a bundle, and compare every file with the manifest's SHA-256.",
        epilog=_INSPECT_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inspect.add_argument("bundle", metavar="BUNDLE", type=Path, help="folder of the bundle")
    inspect.set_defaults(run=_inspect)


def _add_jars(commands: Any) -> None:
    command = commands.add_parser(
        "jars",
        help="print the jars that spark-submit needs",
        description="Print the paths of SparkVision's jars, comma-separated, as spark-submit's --jars wants them.",
        epilog=_JARS_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--gpu",
        action="store_true",
        help="leave out the CPU runtime, and tell on stderr the Maven coordinate of the CUDA runtime, for --packages",
    )
    command.set_defaults(run=_jars)


if __name__ == "__main__":
    sys.exit(main())
