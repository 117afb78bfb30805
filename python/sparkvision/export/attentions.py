"""The share of each image patch in a Vision Transformer's answer, computed by the graph itself: attention rollout.

S. Abnar and W. Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020. The attention of a layer is averaged
over its heads and, for the residual connection beside it, with the identity. The product over all layers holds how
much of each input token is in each output token. The label of an image is computed from the row of the class token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sparkvision.errors import ExportError
from sparkvision.manifest import CLASSIFICATION

if TYPE_CHECKING:
    from torch import Tensor

ROLLOUT = "attention_rollout"


def attention_rollout(attentions: Sequence[Tensor], config: Any, pixel_shape: tuple[int, int, int]) -> Tensor:
    """Follow the class token back through all layers.

    Parameters
    ----------
    attentions : sequence of Tensor
        One for each layer, the first layer first: [batch, heads, tokens, tokens], where each row sums to 1. The class
        token is the first of the tokens, and the patches are the last.
    config : Any
        The model's configuration.
    pixel_shape : tuple of int
        Channels, height and width of the model's input.

    Returns
    -------
    Tensor of shape [batch, rows, columns]
        The share of each patch.
    """
    import torch

    rows, columns = _patches(config, pixel_shape) or (0, 0)  # require_rollout has refused models without patches
    share = torch.eye(attentions[0].shape[-1])[None, :1]
    # From the last layer to the first, only the class token's row of the product is needed.
    for attention in reversed(attentions):
        share = 0.5 * (share + share @ attention.mean(dim=1))
    return share[:, 0, -rows * columns :].reshape(-1, rows, columns)


def require_rollout(source: str, task: str, model: Any, pixel_shape: tuple[int, int, int]) -> None:
    """Refuse a model in whose attentions no class token can be followed to the patches.

    Raises
    ------
    ExportError
        Naming what is missing.
    """
    import torch

    if task != CLASSIFICATION:
        raise ExportError(f"{source}: attentions are exported with image classification, not with {task}")
    try:
        with torch.no_grad():
            given = model(pixel_values=torch.zeros((1, *pixel_shape)), output_attentions=True)
        attentions = given.get("attentions") or ()
    except TypeError:  # the forward function of a model without attentions does not accept the argument
        attentions = ()
    patches = _patches(model.config, pixel_shape)
    tokens = {tuple(attention.shape[2:]) for attention in attentions if attention is not None}
    least = patches[0] * patches[1] + 1 if patches else 0
    if not patches or len(tokens) != 1 or any(size < least for size in tokens.pop()):
        raise ExportError(
            f"{source}: a {type(model).__name__} has no class token that attends to patches of one size in every "
            "layer; omit --attentions"
        )


def _patches(config: Any, pixel_shape: tuple[int, int, int]) -> tuple[int, int] | None:
    """Return the rows and columns of patches, or None for a model without patches."""
    size = getattr(getattr(config, "vision_config", config), "patch_size", None)
    if not isinstance(size, int):
        return None
    return pixel_shape[1] // size, pixel_shape[2] // size
