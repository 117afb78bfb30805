"""The architectures that are exported and tested, and those that are refused; docs/models.md shows the same table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# ONNX Runtime 1.24's oneDNN provider computes wrong logits for a ViT at opset 17, and correct ones at opset 14. The CPU
# provider is as fast at 14, and every architecture below can be exported with it.
DEFAULT_OPSET = 14


@dataclass(frozen=True)
class Architecture:
    """A family of models for which every part of the export is tested.

    Attributes
    ----------
    model_type : str
        The name in ``config.json``.
    classifiers : tuple of str
        transformers' classes for image classification.
    encoder : str
        transformers' class for feature extraction, which the classifiers are built on.
    processor : str
        The image processor of its checkpoints.
    """

    model_type: str
    classifiers: tuple[str, ...]
    encoder: str
    processor: str


def _family(
    model_type: str, name: str, processor: str, *, encoder: str | None = None, with_teacher: bool = False
) -> Architecture:
    classifier = f"{name}ForImageClassification"
    classifiers = (classifier, f"{classifier}WithTeacher") if with_teacher else (classifier,)
    return Architecture(model_type, classifiers, encoder or f"{name}Model", f"{processor}ImageProcessor")


ARCHITECTURES = (
    _family("vit", "ViT", "ViT"),
    _family("deit", "DeiT", "DeiT", with_teacher=True),
    _family("beit", "Beit", "Beit"),
    _family("data2vec-vision", "Data2VecVision", "Beit"),
    _family("vit_msn", "ViTMSN", "ViT"),
    _family("swin", "Swin", "ViT"),
    _family("swinv2", "Swinv2", "ViT"),
    _family("convnext", "ConvNext", "ConvNext"),
    _family("convnextv2", "ConvNextV2", "ConvNext"),
    _family("dinov2", "Dinov2", "Bit"),
    _family("dinov2_with_registers", "Dinov2WithRegisters", "Bit"),
    _family("hiera", "Hiera", "Bit"),
    _family("bit", "Bit", "Bit"),
    _family("clip", "CLIP", "CLIP", encoder="CLIPVisionModel"),
    _family("siglip", "Siglip", "Siglip", encoder="SiglipVisionModel"),
    _family("mobilevit", "MobileViT", "MobileViT"),
    _family("mobilevitv2", "MobileViTV2", "MobileViT"),
    _family("levit", "Levit", "Levit", with_teacher=True),
    _family("pvt", "Pvt", "Pvt"),
    _family("poolformer", "PoolFormer", "PoolFormer"),
    _family("efficientformer", "EfficientFormer", "EfficientFormer", with_teacher=True),
)

# transformers' classes for object detection, by model type. Each has an image processor of its own name.
DETECTORS: Mapping[str, str] = {"yolos": "YolosForObjectDetection", "detr": "DetrForObjectDetection"}

# The reason by model type.
REFUSED: Mapping[str, str] = {
    "vit-hybrid": "transformers has deprecated ViT-hybrid, and 4.57 can no longer build its models",
}

# Model types whose checkpoints also hold a text model, with the class of the image encoder.
ENCODERS: Mapping[str, str] = {
    family.model_type: family.encoder for family in ARCHITECTURES if family.encoder.endswith("VisionModel")
}
