"""Changes to a model that make it traceable: no decisions by input shapes, and no operators that ONNX lacks.

All images of a bundle have one size, so that values that depend only on weights and on that size are constants.
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
    """Make the model traceable, with the bundle's outputs only; the model is restored after the block.

    Parameters
    ----------
    checkpoint : Checkpoint
        Its model is changed within the block: the model takes ``pixel_values`` of the checkpoint's shape and any batch
        size, a DETR also ``pixel_mask``, and returns a dict of `Checkpoint.output_names`.
    """
    model = checkpoint.model
    with contextlib.ExitStack() as replaced:

        def replace(module: Any, method: str, function: Callable[..., Any]) -> None:
            setattr(module, method, function)  # on the instance, where it hides the method of the class
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
    """Replace the interpolation of position encodings by its result for the checkpoint's size.

    Transformers interpolates whenever a model is traced, so that the graph accepts any size. That is not needed here,
    is only approximately equal, and is impossible with the antialiasing of DINOv2-with-registers.
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
    """Return the forward function of a BiT convolution with a constant standardised weight.

    The tracer computes the standardisation wrongly.
    """
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
    """Return the forward function of a padding with one row more, which is cut off again.

    ONNX Runtime (tried with 1.28) fuses a padding with zeros into the maximum pooling after it, which pads with minus
    infinity. The result differs wherever a border is negative, as in BiT.
    """
    from torch.nn import functional

    left, right, top, bottom = module.padding

    def forward(feature_map: Tensor) -> Tensor:
        return functional.pad(feature_map, (left, right, top, bottom + 1), value=module.value)[:, :, :-1]

    return forward


def _with_exact_masks(module: Any) -> Callable[..., list[tuple[Tensor, Tensor]]]:
    """Return the forward function of DETR's backbone with its masks resized by torch's own rounding.

    ONNX's operator multiplies by a rounded factor where torch divides, and may select a neighbouring pixel: at the
    border of an image, padding instead of a pixel of the image.
    """

    def forward(pixel_values: Tensor, pixel_mask: Tensor) -> list[tuple[Tensor, Tensor]]:
        given = module.model(pixel_values)
        features = given if module.config.use_timm_backbone else given.feature_maps
        return [(feature_map, _nearest(pixel_mask, feature_map.shape[-2:])) for feature_map in features]

    return forward


def _nearest(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize [batch, height, width] as ``interpolate`` does by default (torch's UpSample.h, in 32-bit floats)."""
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
    """Invert `_unfold`, for which ONNX has an operator only since opset 18."""
    height, width = size
    channels = int(patches.shape[1])
    tiles = patches.reshape(-1, channels, patch, patch, height // patch, width // patch).permute(0, 1, 4, 2, 5, 3)
    return tiles.reshape(-1, channels, height, width)
