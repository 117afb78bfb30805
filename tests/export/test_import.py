"""Graphs of other frameworks become bundles that compute what the graph computed; what does not fit is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.export.foreign_graphs import LABELS, SIDE, Convolution, one_node

from sparkvision.bundle import Bundle
from sparkvision.cli import main
from sparkvision.errors import ExportError
from sparkvision.export.onnx_graph import open_session, run
from sparkvision.importing import import_onnx
from sparkvision.tensors import TensorSpec


@dataclass(frozen=True)
class Files:
    """The files of an import, in a folder of the test's own."""

    folder: Path

    @property
    def labels(self) -> Path:
        return self.folder / "labels.txt"

    @property
    def preprocessor(self) -> Path:
        return self.folder / "preprocessor_config.json"

    def run(self, graph: Convolution, external_data: bool = False, **options: Any) -> Bundle:
        """Import the graph."""
        path = graph.write(self.folder / "graph.onnx", external_data)
        out = self.folder / "bundle"
        return import_onnx(path, out, self.labels, self.preprocessor, progress=False, **options).bundle


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": SIDE, "width": SIDE}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    return Files(tmp_path)


def difference(bundle: Bundle, graph: Convolution, batch: int) -> float:
    """Return the largest difference of the bundle's logits from torch's."""
    pixels = np.random.default_rng(batch).standard_normal((batch, 3, SIDE, SIDE), dtype=np.float32)
    given = pixels.transpose(0, 2, 3, 1) if graph.layout == "NHWC" else pixels
    found = run(open_session(bundle.folder), given)[0]
    largest = float(np.abs(found - graph.torch_logits(pixels)).max())
    print(f"{graph.layout}, batch {batch}: largest difference {largest:.2e}")
    return largest


@pytest.mark.parametrize(("layout", "shape"), [("NCHW", (3, SIDE, SIDE)), ("NHWC", (SIDE, SIDE, 3))])
def test_a_graph_of_either_layout_becomes_a_bundle(files: Files, layout: str, shape: tuple[int, ...]) -> None:
    graph = Convolution(layout)
    bundle = files.run(graph)
    written = json.loads((bundle.folder / "sparkvision.json").read_text())
    assert written.get("inputLayout") == (None if layout == "NCHW" else "NHWC")
    manifest = bundle.manifest
    assert (manifest.architecture, manifest.model_type, manifest.input_layout) == ("onnx", "onnx", layout)
    assert manifest.inputs == (TensorSpec("image", "float32", ("batch_size", *shape)),)
    assert manifest.outputs == (TensorSpec("logits", "float32", ("batch_size", len(LABELS))),)
    assert (manifest.labels, manifest.problem_type) == (LABELS, "single_label_classification")
    assert (manifest.golden.input_shape, manifest.golden.output_shape) == ((2, *shape), (2, len(LABELS)))
    assert max(difference(bundle, graph, batch) for batch in (1, 3)) <= 1e-5


def test_the_golden_output_is_what_torch_gives(files: Files) -> None:
    graph = Convolution()
    golden = files.run(graph).manifest.golden
    given, expected = (np.fromfile(files.folder / "bundle" / name, "<f4") for name in (golden.input, golden.output))
    logits = graph.torch_logits(given.reshape(golden.input_shape))
    assert np.abs(expected.reshape(golden.output_shape) - logits).max() <= 1e-5


@pytest.mark.parametrize(
    ("activation", "problem_type"),
    [("Softmax", "single_label_classification"), ("Sigmoid", "multi_label_classification")],
)
def test_a_last_activation_tells_the_problem_type_and_is_removed(
    files: Files, activation: str, problem_type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = Convolution(activation=activation)
    path = graph.write(files.folder / "graph.onnx")
    report = import_onnx(path, files.folder / "bundle", files.labels, files.preprocessor)
    assert f"the graph ends in {activation}, which is removed" in capsys.readouterr().out
    assert report.bundle.manifest.problem_type == problem_type
    assert report.bundle.manifest.outputs[0].name == "logits"
    assert difference(report.bundle, graph, 3) <= 1e-5


def test_classes_of_one_name_are_told(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    files.labels.write_text("\n".join([LABELS[0]] * len(LABELS)))
    path = Convolution().write(files.folder / "graph.onnx")
    report = import_onnx(path, files.folder / "bundle", files.labels, files.preprocessor)
    assert set(report.bundle.manifest.labels) == {LABELS[0]}
    assert f"several classes are called '{LABELS[0]}' (ids 0, 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        ("sparkvision.importing.import_job.run", "with batches of 1 and 3 images: AssertionError; convert"),
        ("onnx.load", "cannot be read as an ONNX graph: AssertionError; convert"),
        ("transformers.AutoImageProcessor.from_pretrained", "that transformers knows: AssertionError"),
    ],
)
def test_a_library_that_fails_without_a_word_is_told_by_its_errors_name(
    files: Files, monkeypatch: pytest.MonkeyPatch, fails: str, told: str
) -> None:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise AssertionError

    graph = Convolution()
    monkeypatch.setattr(fails, fail)
    with pytest.raises(ExportError, match=told):
        files.run(graph)


def test_for_regression_the_graph_is_used_as_it_is(files: Files) -> None:
    bundle = files.run(Convolution(activation="Sigmoid"), problem_type="regression")
    assert (bundle.manifest.problem_type, bundle.manifest.outputs[0].name) == ("regression", "scores")


def test_a_single_class_is_regression(files: Files) -> None:
    files.labels.write_text("age")
    assert files.run(Convolution(classes=1)).manifest.problem_type == "regression"


def test_a_fixed_batch_is_freed_where_the_graph_allows(files: Files) -> None:
    graph = Convolution(batch=1)
    bundle = files.run(graph)
    assert bundle.manifest.inputs[0].shape[0] == "batch_size"
    assert difference(bundle, graph, 3) <= 1e-5


def test_a_free_size_is_what_the_processor_makes(files: Files) -> None:
    bundle = files.run(Convolution(side="side"))
    assert bundle.manifest.inputs[0].shape == ("batch_size", 3, SIDE, SIDE)


def test_external_data_comes_along(files: Files) -> None:
    graph = Convolution()
    bundle = files.run(graph, external_data=True)
    (files.folder / "weights").unlink()
    assert difference(bundle, graph, 1) <= 1e-5


def test_the_command_line_imports(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    path = Convolution("NHWC").write(files.folder / "graph.onnx")
    out = str(files.folder / "bundle")
    options = ["--labels", str(files.labels), "--preprocessor", str(files.preprocessor)]
    assert main(["import", str(path), out, *options, "--problem-type", "multi_label_classification"]) == 0
    assert "NHWC, 4 labels, multi_label_classification" in capsys.readouterr().out
    assert main(["inspect", out]) == 0
    assert "image float32 [batch_size, 16, 16, 3]" in capsys.readouterr().out


MASK = helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1])
RELU = helper.make_tensor_value_info("r", TensorProto.FLOAT, None)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (Convolution(extra_inputs=[MASK]), r"has 2 inputs \(image, mask\) and must have one"),
        (Convolution(extra_outputs=[RELU]), r"has 2 outputs \(logits, r\) and must have one"),
        (Convolution(input_type=TensorProto.FLOAT16), "the input image is float16 and must be float32"),
        (Convolution(classes=3), r"labels.txt holds 4 labels, but .*graph.onnx gives 3 numbers for an image"),
        (Convolution(side=32), r"takes images of \[height, width\] \[32, 32\], but .* makes \[16, 16\]"),
        (Convolution(side=3), "does not determine its layout; give --layout NCHW or NHWC"),
        (Convolution(batch=1, reshape=(1, 6)), r"batches of 1 and 3 images: .*; convert the model again with a free"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(files: Files, graph: Convolution, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        files.run(graph)
    assert not (files.folder / "bundle").exists()


@pytest.mark.parametrize(
    ("taken", "given", "message"),
    [
        (
            [1, 3, SIDE],
            [1, 3, SIDE],
            r"the input image has shape \[1, 3, 16\] and must have \[images, 3, height, width\]",
        ),
        (
            [1, 3, SIDE, SIDE],
            [1, 3, SIDE, SIDE],
            r"the output y has shape \[1, 3, 16, 16\] and must have \[images, cl",
        ),
        ([1, 4, SIDE, SIDE], [1, 4], r"\[1, 4, 16, 16\] has no 3 channels; SparkVision feeds graphs with RGB images"),
    ],
)
def test_a_graph_of_another_shape_is_refused(files: Files, taken: list[int], given: list[int], message: str) -> None:
    path = one_node(files.folder / "g.onnx", helper.make_node("Relu", ["image"], ["y"]), taken, given)
    with pytest.raises(ExportError, match=message):
        import_onnx(path, files.folder / "bundle", files.labels, files.preprocessor, progress=False)


def test_a_graph_that_mixes_the_images_of_a_batch_is_refused(files: Files) -> None:
    model = onnx.load(Convolution().write(files.folder / "graph.onnx"))
    # The mean over the batch: what a batch normalisation left in training mode does.
    model.graph.node[-1].output[0] = "own"
    mean = helper.make_node("ReduceMean", ["own"], ["mean"], axes=[0], keepdims=1)
    model.graph.node.extend([mean, helper.make_node("Sub", ["own", "mean"], ["logits"])])
    onnx.save(model, files.folder / "mixing.onnx")
    with pytest.raises(ExportError, match="gives an image another output in a batch than alone, by"):
        import_onnx(
            files.folder / "mixing.onnx", files.folder / "bundle", files.labels, files.preprocessor, progress=False
        )


def test_probabilities_are_refused(files: Files) -> None:
    model = onnx.load(Convolution(activation="Softmax").write(files.folder / "graph.onnx"))
    # Where something follows the softmax, it cannot be removed.
    model.graph.node[-1].output[0] = "probabilities"
    model.graph.node.append(helper.make_node("Abs", ["probabilities"], ["scores"]))
    onnx.save(model, files.folder / "softmax.onnx")
    with pytest.raises(ExportError, match="gives probabilities .* convert the model again without its softmax"):
        import_onnx(
            files.folder / "softmax.onnx", files.folder / "bundle", files.labels, files.preprocessor, progress=False
        )


def test_a_layout_that_the_graph_has_not_is_refused(files: Files) -> None:
    with pytest.raises(ExportError, match="with layout NHWC the input has 16 channels and must have 3"):
        files.run(Convolution(), layout="NHWC")


def test_a_file_that_is_no_graph_is_refused(files: Files) -> None:
    with pytest.raises(ExportError, match=r"labels\.txt cannot be read as an ONNX graph"):
        import_onnx(files.labels, files.folder / "bundle", files.labels, files.preprocessor, progress=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ('{"size": 16}', "does not say its image_processor_type"),
        ('{"image_processor_type": "NoSuchProcessor"}', "names no image processor that transformers knows"),
    ],
)
def test_settings_that_are_no_processors_are_refused(files: Files, text: str, message: str) -> None:
    files.preprocessor.write_text(text)
    with pytest.raises(ExportError, match=message):
        files.run(Convolution())
