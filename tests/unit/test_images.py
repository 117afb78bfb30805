"""Images of every kind reach the engine with unchanged pixels."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparkvision._engine import packing as _packing
from sparkvision._engine.image import encoded, listed, origin
from sparkvision.errors import ImageError, ParameterError


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("shape", [(7, 5, 3), (7, 5)])
def test_a_numpy_arrays_pixels_are_kept(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert (pixels_of(encoded(pixels)) == pixels).all()
    assert (pixels_of(encoded(pixels[::-1, ::2])) == pixels[::-1, ::2]).all()


def test_a_pil_images_pixels_are_those_of_rgb() -> None:
    image = Image.effect_noise((9, 4), 80).convert("P")
    assert (pixels_of(encoded(image)) == np.asarray(image.convert("RGB"))).all()


def test_a_pil_image_is_turned_as_its_exif_says(photos: list[Path]) -> None:
    (turned,) = (photo for photo in photos if photo.name == "exif_portrait_orientation_6.jpg")
    (upright,) = (photo for photo in photos if photo.name == "exif_portrait_orientation_1.jpg")
    assert pixels_of(encoded(Image.open(turned))).shape == pixels_of(encoded(Image.open(upright))).shape


@pytest.mark.parametrize("form", ["{}", "file://{}", "file:{}"])
def test_a_path_and_its_urls_are_the_same_file(form: str, tmp_path: Path) -> None:
    file = tmp_path / "a b#1%20.png"
    file.write_bytes(b"bytes of a file")
    # Spark's binaryFile writes one slash and quotes nothing; a URL has three and is quoted.
    text = form.format(file.as_uri().removeprefix("file://") if form == "file://{}" else file)
    assert encoded(text) == b"bytes of a file"


def test_a_url_of_elsewhere_is_refused_with_what_to_do() -> None:
    with pytest.raises(ImageError, match="s3://bucket/cat.jpg is not on this machine: fetch it"):
        encoded("s3://bucket/cat.jpg")


def test_a_file_that_pillow_cannot_decode_gives_its_reason(photos: list[Path]) -> None:
    photo = next(photo for photo in photos if photo.suffix == ".jpg")
    broken = Image.open(io.BytesIO(photo.read_bytes()[:2000]))
    with pytest.raises(ImageError, match="Pillow cannot read the image"):
        encoded(broken)


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4, 3)), np.zeros((3, 4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)],
)
def test_an_array_of_another_kind_is_refused_by_type_and_shape(array: Any) -> None:
    with pytest.raises(ParameterError, match="uint8, .*height, width, 3.*this one is"):
        encoded(array)


def test_one_image_of_any_kind_is_a_list_of_one() -> None:
    ones: list[Any] = [b"a", "a.png", Path("a.png"), Image.new("L", (2, 2)), np.zeros((2, 2), np.uint8)]
    assert all(len(listed(one)) == 1 for one in ones)
    assert len(listed(ones)) == len(listed(tuple(ones))) == 5
    assert len(listed(np.zeros((6, 2, 2, 3), np.uint8))) == 6


def test_paths_and_urls_are_origins() -> None:
    assert [origin(image) for image in (Path("a"), "file:///b", b"c")] == ["a", "file:///b", ""]


def test_a_call_to_the_jvm_carries_no_more_bytes_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_packing, "BYTES_PER_CALL", 100)
    images: list[Any] = [b"x" * 40, b"y" * 40, b"z" * 40, "/no/such/file.png", b"x" * 400, b"y"]
    calls = [(len(packed), len(reasons)) for packed, reasons in _packing.packed_calls(images)]
    assert calls == [(88, 2), (44, 2), (404, 1), (5, 1)]


def test_many_bytes_cross_in_a_file_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_packing, "BYTES_IN_A_FILE", 44)
    calls = _packing.packed_calls([b"x" * 40])
    sent, _ = next(calls)
    file = Path(sent[4:].decode())
    assert struct.unpack("<i", sent[:4]) == (-len(sent[4:]),)
    assert file.read_bytes() == struct.pack("<i", 40) + b"x" * 40
    assert list(calls) == [] and not file.exists()
