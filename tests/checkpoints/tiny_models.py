"""The smallest models of every architecture that exercise what their full-size checkpoints do.

Each setting keeps the shape of a published checkpoint of its family: a DINOv2 receives smaller images than its
position embeddings are for, a BEiT has relative position biases, the Swins have windows that shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from make_checkpoint import write_checkpoint


@dataclass(frozen=True)
class TinyModel:
    """Settings of one tiny model.

    Attributes
    ----------
    config : mapping
        What differs from the defaults of the architecture's configuration class.
    processor : str
        The family's image processor, the slow one.
    sizes : mapping
        The processor's settings of size, as the model takes it; its other settings stay as they are by default.
    batch_variance : float
        What batch normalisations divide by the root of; below 1 where activations would otherwise fade.
    """

    config: Mapping[str, Any]
    processor: str
    sizes: Mapping[str, Mapping[str, int]]
    batch_variance: float = 1.0


def _square(side: int, crop: int | None = None) -> dict[str, dict[str, int]]:
    return {"size": {"height": side, "width": side}, **_crop(crop)}


def _shortest_edge(side: int, crop: int | None = None) -> dict[str, dict[str, int]]:
    return {"size": {"shortest_edge": side}, **_crop(crop)}


def _crop(side: int | None) -> dict[str, dict[str, int]]:
    return {} if side is None else {"crop_size": {"height": side, "width": side}}


_TRANSFORMER = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
_VIT = {**_TRANSFORMER, "intermediate_size": 64, "image_size": 32, "patch_size": 8}
_RELATIVE = {**_VIT, "use_relative_position_bias": True}
_SWIN = {"image_size": 32, "embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4}
_CONVNEXT = {"image_size": 32, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 2, 1]}
_DINOV2 = {**_TRANSFORMER, "mlp_ratio": 2, "image_size": 56, "patch_size": 14}
_BIT = {
    "embedding_size": 16,
    "hidden_sizes": [16, 24, 32, 40],
    "depths": [1, 1, 2, 1],
    "num_groups": 4,
    "layer_type": "preactivation",
}
_LEVIT = {"image_size": 64, "hidden_sizes": [16, 32, 48], "num_attention_heads": [1, 2, 3], "depths": [1, 1, 1]}
_EFFICIENTFORMER = {
    "image_size": 64,
    "depths": [1, 1, 1, 2],
    "hidden_sizes": [16, 24, 32, 48],
    "num_attention_heads": 2,
    "dim": 48,
    "key_dim": 8,
    "resolution": 2,
    "num_meta3d_blocks": 1,
}

TINY_MODELS: Mapping[str, TinyModel] = {
    "ViTForImageClassification": TinyModel(_VIT, "ViTImageProcessor", _square(32)),
    "DeiTForImageClassification": TinyModel(_VIT, "DeiTImageProcessor", _square(36, crop=32)),
    "DeiTForImageClassificationWithTeacher": TinyModel(_VIT, "DeiTImageProcessor", _square(36, crop=32)),
    "BeitForImageClassification": TinyModel(_RELATIVE, "BeitImageProcessor", _square(36, crop=32)),
    "Data2VecVisionForImageClassification": TinyModel(_RELATIVE, "BeitImageProcessor", _square(36, crop=32)),
    "ViTMSNForImageClassification": TinyModel(_VIT, "ViTImageProcessor", _square(32)),
    "SwinForImageClassification": TinyModel(_SWIN, "ViTImageProcessor", _square(32)),
    "Swinv2ForImageClassification": TinyModel(_SWIN, "ViTImageProcessor", _square(32)),
    "ConvNextForImageClassification": TinyModel(_CONVNEXT, "ConvNextImageProcessor", _shortest_edge(32)),
    "ConvNextV2ForImageClassification": TinyModel(_CONVNEXT, "ConvNextImageProcessor", _shortest_edge(32)),
    "Dinov2ForImageClassification": TinyModel(_DINOV2, "BitImageProcessor", _shortest_edge(48, crop=42)),
    "Dinov2WithRegistersForImageClassification": TinyModel(_DINOV2, "BitImageProcessor", _shortest_edge(48, crop=42)),
    "HieraForImageClassification": TinyModel(
        {"image_size": [32, 32], "embed_dim": 16, "depths": [1, 1, 1], "num_heads": [1, 2, 4], "num_query_pool": 2}
        | {"masked_unit_size": [4, 4], "masked_unit_attention": [True, True, False]},
        "BitImageProcessor",
        _shortest_edge(36, crop=32),
    ),
    "BitForImageClassification": TinyModel(_BIT, "BitImageProcessor", _shortest_edge(36, crop=32)),
    "CLIPForImageClassification": TinyModel({"vision_config": _VIT}, "CLIPImageProcessor", _shortest_edge(32, crop=32)),
    "SiglipForImageClassification": TinyModel({"vision_config": _VIT}, "SiglipImageProcessor", _square(32)),
    "MobileViTForImageClassification": TinyModel(
        {"image_size": 64, "hidden_sizes": [16, 24, 32], "neck_hidden_sizes": [8, 8, 16, 16, 24, 24, 48]}
        | {"num_attention_heads": 2, "expand_ratio": 2.0},
        "MobileViTImageProcessor",
        _shortest_edge(72, crop=64),
        batch_variance=0.5,
    ),
    "MobileViTV2ForImageClassification": TinyModel(
        {"image_size": 64, "base_attn_unit_dims": [16, 24, 32], "n_attn_blocks": [1, 1, 1], "width_multiplier": 0.25},
        "MobileViTImageProcessor",
        _shortest_edge(72, crop=64),
    ),
    "LevitForImageClassification": TinyModel(_LEVIT, "LevitImageProcessor", _shortest_edge(64, crop=64)),
    "LevitForImageClassificationWithTeacher": TinyModel(_LEVIT, "LevitImageProcessor", _shortest_edge(64, crop=64)),
    "PvtForImageClassification": TinyModel(
        {"image_size": 64, "depths": [1, 1, 1, 1], "hidden_sizes": [8, 16, 24, 32], "num_attention_heads": [1, 2, 3, 4]}
        | {"mlp_ratios": [2, 2, 2, 2]},
        "PvtImageProcessor",
        _square(64),
    ),
    "PoolFormerForImageClassification": TinyModel(
        {"depths": [1, 1, 1, 1], "hidden_sizes": [8, 16, 24, 32], "mlp_ratio": 2.0},
        "PoolFormerImageProcessor",
        _shortest_edge(64, crop=64),
    ),
    "EfficientFormerForImageClassification": TinyModel(
        _EFFICIENTFORMER, "EfficientFormerImageProcessor", _shortest_edge(64, crop=64)
    ),
    "EfficientFormerForImageClassificationWithTeacher": TinyModel(
        # Its class reads a setting that its configuration does not know.
        _EFFICIENTFORMER | {"hidden_size": 48},
        "EfficientFormerImageProcessor",
        _shortest_edge(64, crop=64),
    ),
}

_RESNET = {
    "model_type": "resnet",
    "embedding_size": 8,
    "hidden_sizes": [8, 12, 16, 24],
    "depths": [1, 1, 1, 1],
    "layer_type": "basic",
    "out_features": ["stage4"],
}

TINY_DETECTORS: Mapping[str, TinyModel] = {
    "YolosForObjectDetection": TinyModel(
        {**_TRANSFORMER, "num_hidden_layers": 3, "intermediate_size": 64, "patch_size": 16}
        | {"image_size": [64, 96], "num_detection_tokens": 12},
        "YolosImageProcessor",
        {"size": {"shortest_edge": 96, "longest_edge": 160}},
    ),
    "DetrForObjectDetection": TinyModel(
        {"use_timm_backbone": False, "use_pretrained_backbone": False, "backbone": None, "backbone_config": _RESNET}
        | {"d_model": 32, "encoder_layers": 1, "decoder_layers": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}
        | {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_queries": 12},
        "DetrImageProcessor",
        {"size": {"shortest_edge": 160, "longest_edge": 256}},
    ),
}


def make(architecture: str, folder: Path, labels: int = 5, seed: int = 0) -> Path:
    """Write the checkpoint of a tiny model with its family's own image processor: a few hundred kilobytes.

    Parameters
    ----------
    architecture : str
        One of `TINY_MODELS` or `TINY_DETECTORS`, for example ``SwinForImageClassification``.
    folder : Path
        Made if needed.
    labels : int
        Number of classes, named "class 0000", "class 0001" ...
    seed : int
        Seed of the weights.

    Returns
    -------
    Path
        The folder.
    """
    tiny = {**TINY_MODELS, **TINY_DETECTORS}[architecture]
    return write_checkpoint(
        folder, architecture, tiny.config, tiny.processor, tiny.sizes, labels, seed, tiny.batch_variance
    )
