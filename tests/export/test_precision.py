"""Bundles of lower precision: smaller, measured against float32, and that measure is written into the bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from PIL import Image
from tests.conftest import EMBEDDED_BUNDLE, FIXTURES, SplitDigits
from tests.export.foreign_graphs import LABELS, SIDE, Convolution, one_node

from sparkvision.bundle import Bundle
from sparkvision.cli import main
from sparkvision.errors import BundleError, ExportError, ParameterError
from sparkvision.export import ExportReport
from sparkvision.export.onnx_graph import open_session, run
from sparkvision.export.self_check import read_golden
from sparkvision.importing import import_onnx
from sparkvision.tensors import TensorSpec
from sparkvision.verify import verify

Lowered = Callable[[str], ExportReport]

NAMES = ("int8", "int8-calibrated", "fp16")
DIGITS_CHECKPOINT = FIXTURES / "digits_checkpoint"


def pixel_values(folder: Path) -> NDArray[np.float32]:
    """What the digits model is fed for the images of a folder: grey values from -1 to 1."""
    images = [np.asarray(Image.open(file).convert("RGB"), np.float32) for file in sorted(folder.iterdir())]
    fed: NDArray[np.float32] = np.stack(images).transpose(0, 3, 1, 2) / np.float32(127.5) - np.float32(1)
    return fed


def one_by_one(bundle: Path, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    session = open_session(bundle)
    return np.concatenate([run(session, pixels[index : index + 1])[0] for index in range(len(pixels))])


@pytest.mark.parametrize("name", NAMES)
def test_the_accuracy_in_the_bundle_is_the_one_that_its_graph_has(
    name: str, lowered_digits: Lowered, split_digits: SplitDigits
) -> None:
    bundle = lowered_digits(name).bundle
    accuracy = bundle.manifest.accuracy
    assert accuracy is not None
    pixels = pixel_values(split_digits.measured)
    expected, found = one_by_one(EMBEDDED_BUNDLE, pixels), one_by_one(bundle.folder, pixels)
    same = int((expected.argmax(1) == found.argmax(1)).sum())
    difference = float(np.abs(expected - found).max())
    print(f"\n{name}: same top label on {same} of {len(pixels)}, largest difference {difference:.3g}")
    assert (accuracy.images, accuracy.same_top_label) == (len(pixels), same)
    assert accuracy.largest_difference == pytest.approx(difference, rel=0.02)
    assert accuracy.largest_value == pytest.approx(np.abs(expected).max(), rel=1e-4)
    assert accuracy.calibration_images == (120 if name == "int8-calibrated" else 0)
    assert same >= 0.99 * len(pixels)
    assert 0 < difference < (0.01 if name == "fp16" else 0.4)


@pytest.mark.parametrize("name", NAMES)
def test_the_tolerance_is_three_times_the_largest_difference_and_the_golden_output_the_graphs_own(
    name: str, lowered_digits: Lowered
) -> None:
    bundle = lowered_digits(name).bundle
    manifest = bundle.manifest
    assert manifest.accuracy is not None and manifest.precision == name.partition("-")[0]
    assert manifest.tolerance == {manifest.precision: 3 * manifest.accuracy.largest_difference}
    given, expected = read_golden(bundle)
    assert (run(open_session(bundle.folder), given)[0] == expected).all()


def test_the_graph_is_smaller_and_its_input_and_output_stay_float32(lowered_digits: Lowered) -> None:
    sizes = {name: (lowered_digits(name).bundle.folder / "model.onnx").stat().st_size for name in NAMES}
    full = (EMBEDDED_BUNDLE / "model.onnx").stat().st_size
    print(f"\nbytes: float32 {full:,}, {', '.join(f'{name} {size:,}' for name, size in sizes.items())}")
    assert max(sizes.values()) < 0.6 * full
    for name in NAMES:
        manifest = lowered_digits(name).bundle.manifest
        assert manifest.inputs == (TensorSpec("pixel_values", "float32", ("batch_size", 3, 32, 32)),)
        assert manifest.outputs == (TensorSpec("logits", "float32", ("batch_size", 10)),)


def test_calibrated_int8_gives_an_image_the_same_numbers_alone_and_in_a_batch(
    lowered_digits: Lowered, split_digits: SplitDigits
) -> None:
    pixels = pixel_values(split_digits.measured)[:8]
    for name, largest in (("int8-calibrated", 1e-4), ("int8", 0.4)):
        folder = lowered_digits(name).bundle.folder
        difference = float(np.abs(one_by_one(folder, pixels) - run(open_session(folder), pixels)[0]).max())
        print(f"\n{name}: alone and in a batch of 8, largest difference {difference:.2e}")
        assert difference <= largest


def test_a_checkpoint_is_exported_as_int8_and_inspect_tells_the_accuracy(
    split_digits: SplitDigits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", DIGITS_CHECKPOINT, tmp_path / "out", "--precision", "int8"]
    images = ["--calibrate", split_digits.calibration, "--images", split_digits.measured]
    assert main(list(map(str, [*arguments, *images]))) == 0
    assert "[7/7] Comparing with fp32" in capsys.readouterr().out
    assert main(["inspect", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "precision      int8, tolerance 0." in shown
    assert "accuracy       same top label on 2" in shown and "of 240 images, largest difference 0." in shown
    assert "calibration    120 images" in shown


@pytest.mark.parametrize("name", ["int8-calibrated", "fp16"])
def test_verify_allows_what_was_measured_at_the_export(
    name: str, lowered_digits: Lowered, split_digits: SplitDigits
) -> None:
    bundle = lowered_digits(name).bundle
    report = verify(bundle.folder, DIGITS_CHECKPOINT, split_digits.measured, limit=10)
    print(f"\n{name}: largest difference {report.largest_logit_difference:.3g}, allowed {report.tolerance:.3g}")
    assert report.passed and report.same_top == 10
    assert report.tolerance == bundle.manifest.tolerance[bundle.manifest.precision]
    assert report.largest_logit_difference > 1e-3


def test_a_precision_that_there_is_not_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="there is no precision 'fp8'; give one of fp32, fp16, int8"):
        import_onnx("no.onnx", tmp_path / "out", "no.txt", "no.json", precision="fp8")


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_only_int8_is_calibrated(precision: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=f"{precision} needs no calibration"):
        import_onnx("no.onnx", tmp_path / "out", "no.txt", "no.json", precision=precision, calibrate=tmp_path)


def import_embedded(out: Path, graph: Path = EMBEDDED_BUNDLE / "model.onnx", **options: Any) -> Bundle:
    assets = EMBEDDED_BUNDLE / "assets"
    settings = (assets / "labels.json", assets / "preprocessor_config.json")
    return import_onnx(graph, out, *settings, progress=False, **options).bundle


def test_a_folder_without_images_calibrates_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParameterError, match="empty holds no files; give a folder of images"):
        import_embedded(tmp_path / "out", precision="int8", calibrate=tmp_path / "empty")
    assert not (tmp_path / "out").exists()


def import_small(graph: Path, labels: Sequence[str], precision: str) -> Bundle:
    folder = graph.parent
    (folder / "labels.txt").write_text("\n".join(labels))
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": SIDE, "width": SIDE}}
    (folder / "processor.json").write_text(json.dumps(processor))
    settings = (folder / "labels.txt", folder / "processor.json")
    return import_onnx(graph, folder / "out", *settings, precision=precision, progress=False).bundle


def test_weights_that_float16_cannot_hold_are_refused(tmp_path: Path) -> None:
    graph = Convolution()
    graph.weights["matrix"] *= 1e6
    with pytest.raises(ExportError, match="no longer the same model"):
        import_small(graph.write(tmp_path / "graph.onnx"), LABELS, "fp16")
    assert not (tmp_path / "out").exists()


def test_a_graph_without_products_to_quantise_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("ReduceMean", ["image"], ["y"], axes=[2, 3], keepdims=0)
    graph = one_node(tmp_path / "graph.onnx", node, ["images", 3, SIDE, SIDE], ["images", 3])
    with pytest.raises(ExportError, match="int8 changes nothing"):
        import_small(graph, ("red", "green", "blue"), "int8")


def test_activations_whose_squares_float16_cannot_hold_are_normalised_all_the_same(tmp_path: Path) -> None:
    model = onnx.load(EMBEDDED_BUNDLE / "model.onnx")
    (positions,) = (t for t in model.graph.initializer if t.name.endswith("position_embeddings"))
    # Trained transformers have channels like this one.
    changed = numpy_helper.to_array(positions).copy()
    changed[..., 7] = 600
    assert 600**2 > float(np.finfo(np.float16).max)
    positions.CopyFrom(numpy_helper.from_array(changed, positions.name))
    onnx.save(model, tmp_path / "graph.onnx")
    accuracy = import_embedded(tmp_path / "out", tmp_path / "graph.onnx", precision="fp16").manifest.accuracy
    assert accuracy is not None and accuracy.largest_difference < 0.01 * accuracy.largest_value


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"sameTopLabel": 5, "pictures": 4}, "same top label on 5 of 4 images"),
        ({"largestDifference": -1}, "largest difference of -1"),
        ({"pictures": "many"}, "many"),
        ({"reference": None}, "lacks the field 'reference'"),
    ],
)
def test_a_damaged_accuracy_is_refused(
    damage: dict[str, Any], reason: str, lowered_digits: Lowered, tmp_path: Path
) -> None:
    value = lowered_digits("fp16").bundle.manifest.to_json()
    value["accuracy"] = {k: v for k, v in {**value["accuracy"], **damage}.items() if v is not None}
    (tmp_path / "sparkvision.json").write_text(json.dumps(value))
    with pytest.raises(BundleError, match=reason):
        Bundle.read(tmp_path)
