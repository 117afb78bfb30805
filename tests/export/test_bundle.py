"""A bundle is untrusted input: what is damaged, missing or leads outside is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sparkvision.bundle import Bundle, require_inside
from sparkvision.errors import BundleError, ParameterError
from sparkvision.manifest import Manifest


def change_manifest(folder: Path, **fields: Any) -> None:
    path = folder / "sparkvision.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_a_manifest_written_and_read_is_the_same(bundle_copy: Path) -> None:
    value = json.loads((bundle_copy / "sparkvision.json").read_text())
    assert Manifest.from_json(value).to_json() == value


def test_a_flipped_byte_in_the_model_is_found(bundle_copy: Path) -> None:
    model = bytearray((bundle_copy / "model.onnx").read_bytes())
    model[len(model) // 2] ^= 1
    (bundle_copy / "model.onnx").write_bytes(model)
    with pytest.raises(BundleError, match=r"model\.onnx is damaged"):
        Bundle.read(bundle_copy).verify_files()


def test_a_missing_file_is_found(bundle_copy: Path) -> None:
    (bundle_copy / "golden/input.f32").unlink()
    with pytest.raises(BundleError, match=r"golden/input\.f32 is missing"):
        Bundle.read(bundle_copy).verify_files()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="nowhere: there is no such folder"):
        Bundle.read(tmp_path / "nowhere")


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no sparkvision\.json"):
        Bundle.read(tmp_path)


def test_a_later_schema_version_is_refused(bundle_copy: Path) -> None:
    change_manifest(bundle_copy, schemaVersion=2)
    with pytest.raises(BundleError, match="has schemaVersion 2, this SparkVision reads 1"):
        Bundle.read(bundle_copy)


@pytest.mark.parametrize(("field", "value"), [("inputLayout", "CHWN"), ("problemType", "ranking")])
def test_a_value_that_no_version_knows_is_refused(bundle_copy: Path, field: str, value: str) -> None:
    change_manifest(bundle_copy, **{field: value})
    with pytest.raises(BundleError, match=f"field of the wrong kind \\('{value}' is none of"):
        Bundle.read(bundle_copy)


def test_a_manifest_that_lacks_a_field_names_it(bundle_copy: Path) -> None:
    path = bundle_copy / "sparkvision.json"
    value = json.loads(path.read_text())
    del value["golden"]["output"]
    path.write_text(json.dumps(value))
    with pytest.raises(BundleError, match="lacks the field 'output'"):
        Bundle.read(bundle_copy)


def test_a_field_of_the_wrong_kind_is_refused(bundle_copy: Path) -> None:
    change_manifest(bundle_copy, files=["model.onnx"])
    with pytest.raises(BundleError, match="field of the wrong kind"):
        Bundle.read(bundle_copy)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/../../b", "C:/model", "..\\b", "", ".", "a//b"])
def test_a_path_that_is_not_plainly_inside_is_refused(bundle_copy: Path, name: str) -> None:
    files = json.loads((bundle_copy / "sparkvision.json").read_text())["files"]
    change_manifest(bundle_copy, files={**files, name: {"sha256": "0" * 64, "size": 1}})
    with pytest.raises(BundleError, match="not a plain path inside the bundle"):
        Bundle.read(bundle_copy)


def test_a_symbolic_link_that_leads_outside_is_refused(bundle_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    (bundle_copy / "inside").symlink_to(tmp_path / "outside")
    with pytest.raises(BundleError, match="leads outside the bundle"):
        require_inside(bundle_copy, "inside")
