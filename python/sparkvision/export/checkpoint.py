"""The source of an export: a Hugging Face checkpoint, from a local folder or from the hub."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.errors import ExportError
from sparkvision.export.architectures import DETECTORS, ENCODERS, REFUSED
from sparkvision.export.attentions import ROLLOUT, attention_rollout, require_rollout
from sparkvision.export.checkpoint_files import first_line, reach_hub, read_json
from sparkvision.export.preprocessing import pixel_shape, preprocess

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

CLASSIFICATION = "image-classification"
FEATURES = "feature-extraction"
DETECTION = "object-detection"
ZERO_SHOT = "zero-shot-image-classification"

# transformers' Auto class for each task that the engine can run.
TASKS = {
    CLASSIFICATION: "AutoModelForImageClassification",
    FEATURES: "AutoModel",
    ZERO_SHOT: "AutoModelForZeroShotImageClassification",
    DETECTION: "AutoModelForObjectDetection",
}

# What a detection model gives for each of its queries.
_DETECTION_OUTPUTS = ("logits", "pred_boxes")
# What a detection model is traced and compared with first: any size will do, and a small one is quick.
_DETECTION_SHAPE = (3, 192, 256)

# What an encoder of pictures may give; the first is what every one gives.
_FEATURE_OUTPUTS = ("last_hidden_state", "pooler_output")


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint: the reference that an exported graph must agree with.

    Attributes
    ----------
    source : str
        The folder or hub id it came from.
    task : str
        One of `TASKS`.
    model : Any
        The transformers model: torch, float32, eager attention, in evaluation mode.
    processor : Any
        The slow (Pillow) image processor of the checkpoint.
    processor_config : dict
        The content of the checkpoint's ``preprocessor_config.json``.
    pixel_shape : tuple of int
        Channels, height and width of what the processor makes of every picture; of a detection model, whose pictures
        have many sizes, one that it takes.
    output_names : tuple of str
        What the bundle gives: ``logits``, and on request ``attention_rollout``; ``last_hidden_state`` and, where the
        model has one, ``pooler_output``; ``logits`` and ``pred_boxes``; or ``image_embeds``.
    """

    source: str
    task: str
    model: Any
    processor: Any
    processor_config: dict[str, Any]
    pixel_shape: tuple[int, int, int]
    output_names: tuple[str, ...]

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return self.model.config

    def pixel_values(self, picture: Image) -> Tensor:
        """Preprocess one RGB picture to a float32 tensor of shape [1, channels, height, width]."""
        import torch

        return torch.from_numpy(preprocess(self.processor, picture))

    @property
    def sizes_vary(self) -> bool:
        """Whether pictures keep their aspect ratio, so that each has a size of its own."""
        return self.task == DETECTION

    @property
    def takes_mask(self) -> bool:
        """Whether the model is told which pixels are padding."""
        return self.sizes_vary and "pixel_mask" in inspect.signature(type(self.model).forward).parameters

    @property
    def problem_type(self) -> str:
        """What the logits mean; where the checkpoint does not say it, what transformers' own loss would assume."""
        if self.task == DETECTION:
            return "single_label_classification"
        named: str | None = self.config.problem_type
        return named or ("regression" if self.config.num_labels == 1 else "single_label_classification")

    def outputs(self, pixel_values: Tensor, pixel_mask: Tensor | None = None) -> dict[str, Tensor]:
        """Compute the source model's own outputs: those of `output_names`, in that order."""
        import torch

        masks = {} if pixel_mask is None else {"pixel_mask": pixel_mask}
        with torch.no_grad():
            return self.select(self.forward(pixel_values=pixel_values, **masks))

    @property
    def forward(self) -> Callable[..., Any]:
        """The source model as a function of ``pixel_values``; of a CLIP only the half that sees pictures."""
        return partial(_image_embeds, self.model) if self.task == ZERO_SHOT else self.model.forward

    def select(self, outputs: Any) -> dict[str, Tensor]:
        """Take from all that the model gives what `output_names` says.

        Convolutional encoders give maps [batch, channels, height, width]; they become tokens, as transformers give
        them: [batch, height * width, channels]. A pooled map of one pixel becomes a vector.
        """
        if self.task in (DETECTION, ZERO_SHOT):
            return {name: outputs[name] for name in self.output_names}
        if self.task == CLASSIFICATION:
            selected = {"logits": outputs["logits"]}
            if ROLLOUT in self.output_names:
                selected[ROLLOUT] = attention_rollout(outputs["attentions"], self.config, self.pixel_shape)
            return selected
        tokens = outputs[_FEATURE_OUTPUTS[0]]
        selected = {_FEATURE_OUTPUTS[0]: tokens.flatten(2).transpose(1, 2) if tokens.dim() == 4 else tokens}
        return selected | {name: outputs[name].flatten(1) for name in self.output_names[1:]}

    def logits(self, pixel_values: Tensor) -> Tensor:
        """Compute the source model's own logits, of shape [batch, labels]."""
        return self.outputs(pixel_values)["logits"]


def load(source: str | Path, task: str, attentions: bool = False) -> Checkpoint:
    """Load a checkpoint as float32 torch model with eager attention, and its slow image processor.

    Parameters
    ----------
    source : str or Path
        A folder holding ``config.json``, ``preprocessor_config.json`` and weights, or the id of a model on the hub.
    task : str
        One of `TASKS`.
    attentions : bool
        Whether the outputs shall have the attention rollout too.

    Raises
    ------
    ExportError
        If the source is not to be had, is incomplete, or is not a model for the task; or has no attentions to follow.
    """
    if task not in TASKS:
        raise ExportError(f"task {task!r} is not supported; supported: {', '.join(TASKS)}")
    name = str(source)
    local_only = Path(name).is_dir() or not reach_hub(name)
    config = _load_config(name, task, local_only)
    processor_config = read_json(name, "preprocessor_config.json", local_only)
    model, missing = _load_model(name, task, config, local_only)
    processor = _load_processor(name, local_only)
    # Old checkpoints name no processor and leave the choice to the model's type. The bundle stands alone: it says it.
    if not {"image_processor_type", "feature_extractor_type"} & processor_config.keys():
        processor_config["image_processor_type"] = type(processor).__name__
    shape = _DETECTION_SHAPE if task == DETECTION else pixel_shape(name, processor)
    output_names = _output_names(name, task, model, shape, missing)
    if attentions:
        require_rollout(name, task, model, shape)
        model.config.output_attentions = True
        output_names += (ROLLOUT,)
    return Checkpoint(name, task, model, processor, processor_config, shape, output_names)


def _load_config(name: str, task: str, local_only: bool) -> Any:
    import transformers

    written = read_json(name, "config.json", local_only)
    refusal = REFUSED.get(str(written.get("model_type")))
    if refusal:
        raise ExportError(f"{name}: {refusal}; docs/models.md lists the architectures that can be exported")
    try:
        config = transformers.AutoConfig.from_pretrained(name, local_files_only=local_only)
        # PVT's configuration forgets the labels it was saved with, and takes 1000 instead.
        if "id2label" in written:
            config.id2label = {int(index): label for index, label in written["id2label"].items()}
    except Exception as error:  # transformers raises nearly anything for a folder that is not what it should be
        raise ExportError(f"the configuration of {name} cannot be loaded: {first_line(error)}") from error
    if task == DETECTION and config.model_type not in DETECTORS:
        raise ExportError(
            f"{name}: a {config.model_type} model cannot be exported for {task}; {' and '.join(DETECTORS.values())} can"
        )
    return config


def _load_model(name: str, task: str, config: Any, local_only: bool) -> tuple[Any, list[str]]:
    """Give the model, and the names of weights that it has and the checkpoint has not: those of an unused pooler."""
    import torch
    import transformers

    if task == ZERO_SHOT and config.model_type != "clip":
        raise ExportError(f"{name} is a {config.model_type} model; for {task} only those of type clip can be exported")
    class_name = ENCODERS.get(config.model_type, TASKS[task]) if task == FEATURES else TASKS[task]
    # A class of its own for pictures takes its part of the configuration by itself.
    arguments = {} if class_name not in TASKS.values() else {"config": config}
    try:
        model, loading = getattr(transformers, class_name).from_pretrained(
            name,
            local_files_only=local_only,
            attn_implementation="eager",
            dtype=torch.float32,
            output_loading_info=True,
            **arguments,
        )
    except Exception as error:  # as in _load_config
        raise ExportError(f"{name} cannot be loaded for {task}: {first_line(error)}") from error
    missing = sorted(loading["missing_keys"])
    needed = [key for key in missing if task != FEATURES or not key.startswith("pooler.")]
    if needed:
        raise ExportError(
            f"{name} has no weights for {', '.join(needed[:4])}: it was not trained for {task}, and the answers would "
            "be random; give a checkpoint that was fine-tuned for the task"
        )
    return model.eval(), missing


def _image_embeds(model: Any, pixel_values: Tensor) -> dict[str, Tensor]:
    """Give what transformers' CLIPModel calls so, before it divides it by its length."""
    return {"image_embeds": model.visual_projection(model.vision_model(pixel_values=pixel_values).pooler_output)}


def _load_processor(name: str, local_only: bool) -> Any:
    import transformers

    auto_class: Any = transformers.AutoImageProcessor
    try:
        return auto_class.from_pretrained(name, use_fast=False, local_files_only=local_only)
    except Exception as error:  # as in _load_model
        raise ExportError(f"the image processor of {name} cannot be loaded: {first_line(error)}") from error


def _output_names(
    name: str, task: str, model: Any, pixel_shape: tuple[int, int, int], missing: list[str]
) -> tuple[str, ...]:
    """Run the model once: what it gives is known then, and that it takes what the processor makes."""
    import torch

    try:
        with torch.no_grad():
            pixel_values = torch.zeros((1, *pixel_shape))
            outputs = _image_embeds(model, pixel_values) if task == ZERO_SHOT else model(pixel_values=pixel_values)
    except Exception as error:  # a model says in many ways that it takes another size
        raise ExportError(
            f"{name}: preprocessor_config.json makes pictures of [channels, height, width] {list(pixel_shape)}, "
            f"which the model does not take: {first_line(error)}; make `size` or `crop_size` there agree with "
            "`image_size` in config.json"
        ) from error
    if task == DETECTION:
        return _DETECTION_OUTPUTS
    if task != FEATURES:
        return ("logits",) if task == CLASSIFICATION else tuple(outputs)
    # A pooler without weights of its own in the checkpoint would give random numbers.
    expected = _FEATURE_OUTPUTS[:1] if missing else _FEATURE_OUTPUTS
    found = tuple(output for output in expected if outputs.get(output) is not None)
    if _FEATURE_OUTPUTS[0] not in found:
        raise ExportError(f"{name}: {type(model).__name__} gives no {_FEATURE_OUTPUTS[0]}; export it for another task")
    return found
