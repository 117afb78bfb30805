"""What a model must not do while it is traced: decide by the shapes it sees, or use operators that ONNX lacks.

Pictures have one size in a bundle, so whatever depends only on weights and on that size is a constant.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sparkvision.export.checkpoint import Checkpoint

if TYPE_CHECKING:
    from torch import Tensor


@contextlib.contextmanager
def traceable(checkpoint: Checkpoint) -> Iterator[None]:
    """Let the model give just the bundle's outputs, by means that can be traced; all is put back after the block.

    Parameters
    ----------
    checkpoint : Checkpoint
        Its model is changed within the block: it takes ``pixel_values`` of the checkpoint's shape and any batch size,
        if it is a DETR also ``pixel_mask``, and gives a dict of `Checkpoint.output_names`.
    """
    model = checkpoint.model
    with contextlib.ExitStack() as replaced:

        def replace(module: Any, method: str, function: Callable[..., Any]) -> None:
            setattr(module, method, function)  # on the instance, where it hides the class's
            replaced.callback(delattr, module, method)

        _fix_position_encodings(checkpoint, replace)
        for module in model.modules():
            if type(module).__name__ == "WeightStandardizedConv2d":
                replace(module, "forward", _standardised(module))
            elif type(module).__name__ == "ConstantPad2d":
                replace(module, "forward", _unfusable(module))
            elif type(module).__name__ == "DetrConvEncoder":
                replace(module, "forward", _with_exact_masks(module))
            elif type(module).__name__ == "MobileViTV2Layer":
                replace(module, "unfolding", lambda x, module=module: _unfold(x, module.patch_height))
                replace(module, "folding", lambda x, size, module=module: _fold(x, size, module.patch_height))
        forward = checkpoint.forward

        def unmasked(pixel_values: Tensor) -> dict[str, Tensor]:
            return checkpoint.select(forward(pixel_values=pixel_values))

        def masked(pixel_values: Tensor, pixel_mask: Tensor) -> dict[str, Tensor]:
            return checkpoint.select(forward(pixel_values=pixel_values, pixel_mask=pixel_mask))

        replace(model, "forward", masked if checkpoint.takes_mask else unmasked)
        yield


def _fix_position_encodings(checkpoint: Checkpoint, replace: Callable[..., None]) -> None:
    """Have every module give the position encodings that it gives untraced.

    Transformers interpolates them whenever it is traced, so that the graph takes any size: needless here, only
    approximately equal, and impossible with DINOv2-with-registers' antialiasing.
    """
    import torch

    for module in checkpoint.model.modules():
        interpolate = getattr(module, "interpolate_pos_encoding", None)
        if interpolate is None:
            continue
        recorded: list[Tensor] = []

        def record(*arguments: Any, interpolate: Any = interpolate, recorded: list[Tensor] = recorded) -> Tensor:
            recorded.append(interpolate(*arguments).detach())
            return recorded[-1]

        module.interpolate_pos_encoding = record
        checkpoint.outputs(torch.zeros((1, *checkpoint.pixel_shape)))
        del module.interpolate_pos_encoding
        if recorded:
            replace(module, "interpolate_pos_encoding", lambda *_, constant=recorded[-1]: constant)


def _standardised(module: Any) -> Callable[[Tensor], Tensor]:
    """Give a BiT convolution's forward with its weight standardised once; the tracer gets its formula wrong."""
    import torch
    from torch.nn import functional

    with torch.no_grad():
        rows = module.weight.reshape(1, module.out_channels, -1)
        weight = functional.batch_norm(rows, None, None, training=True, momentum=0.0, eps=module.eps)
        weight = weight.reshape_as(module.weight)

    def forward(hidden_state: Tensor) -> Tensor:
        padded = hidden_state if module.pad is None else module.pad(hidden_state)
        return functional.conv2d(
            padded, weight, module.bias, module.stride, module.padding, module.dilation, module.groups
        )

    return forward


def _unfusable(module: Any) -> Callable[[Tensor], Tensor]:
    """Give a padding's forward with a row too many, which is cut off again.

    ONNX Runtime (seen with 1.28) fuses a padding with zeros into the maximum pooling after it, which pads with minus
    infinity: another result wherever a border is negative, as in BiT.
    """
    from torch.nn import functional

    left, right, top, bottom = module.padding

    def forward(feature_map: Tensor) -> Tensor:
        return functional.pad(feature_map, (left, right, top, bottom + 1), value=module.value)[:, :, :-1]

    return forward


def _with_exact_masks(module: Any) -> Callable[..., list[tuple[Tensor, Tensor]]]:
    """Give the forward of DETR's backbone with its masks shrunk by torch's own rounding.

    ONNX's operator multiplies by a rounded factor where torch divides, and may take the pixel beside: at the border of
    a picture, padding for a pixel.
    """

    def forward(pixel_values: Tensor, pixel_mask: Tensor) -> list[tuple[Tensor, Tensor]]:
        given = module.model(pixel_values)
        features = given if module.config.use_timm_backbone else given.feature_maps
        return [(feature_map, _nearest(pixel_mask, feature_map.shape[-2:])) for feature_map in features]

    return forward


def _nearest(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Shrink [batch, height, width] as ``interpolate`` does by default (torch's UpSample.h, in 32-bit floats)."""
    import torch

    for axis, length in enumerate(size, start=1):
        scale = torch.as_tensor(mask.shape[axis]).float() / torch.as_tensor(length).float()
        mask = mask.index_select(axis, torch.floor(torch.arange(length).float() * scale).long())
    return mask.to(torch.bool)


def _unfold(feature_map: Tensor, patch: int) -> tuple[Tensor, tuple[int, int]]:
    """Cut [batch, channels, height, width] into patches that do not overlap: [batch, channels, pixels, patches]."""
    _, channels, height, width = (int(size) for size in feature_map.shape)
    rows, columns = height // patch, width // patch
    tiles = feature_map.reshape(-1, channels, rows, patch, columns, patch).permute(0, 1, 3, 5, 2, 4)
    return tiles.reshape(-1, channels, patch * patch, rows * columns), (height, width)


def _fold(patches: Tensor, size: tuple[int, int], patch: int) -> Tensor:
    """Undo `_unfold`; ONNX has an operator for it only since opset 18."""
    height, width = size
    channels = int(patches.shape[1])
    tiles = patches.reshape(-1, channels, patch, patch, height // patch, width // patch).permute(0, 1, 4, 2, 5, 3)
    return tiles.reshape(-1, channels, height, width)
