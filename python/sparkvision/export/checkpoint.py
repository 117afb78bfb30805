"""The source of an export: a Hugging Face checkpoint from a local folder or from the hub."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.errors import ExportError, first_line
from sparkvision.export.architectures import DETECTORS, ENCODERS, REFUSED
from sparkvision.export.attentions import ROLLOUT, attention_rollout, require_rollout
from sparkvision.export.checkpoint_files import reach_hub, read_json
from sparkvision.export.images import pixel_shape, preprocess
from sparkvision.manifest import CLASSIFICATION, FEATURE_EXTRACTION, OBJECT_DETECTION, TASKS, ZERO_SHOT

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

# transformers' Auto class for each task.
_AUTO_CLASSES = {
    CLASSIFICATION: "AutoModelForImageClassification",
    FEATURE_EXTRACTION: "AutoModel",
    ZERO_SHOT: "AutoModelForZeroShotImageClassification",
    OBJECT_DETECTION: "AutoModelForObjectDetection",
}

# A detection model's outputs for each of its queries.
_DETECTION_OUTPUTS = ("logits", "pred_boxes")
# The input size with which a detection model is traced and first compared. Any size works, and a small one is quick.
_DETECTION_SHAPE = (3, 192, 256)

# The outputs that an image encoder may have. Every encoder has the first.
_FEATURE_OUTPUTS = ("last_hidden_state", "pooler_output")


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint: the reference that an exported graph must agree with.

    Attributes
    ----------
    source : str
        The folder or hub id of the checkpoint.
    task : str
        One of `TASKS`.
    model : Any
        The transformers model: torch, float32, eager attention, in evaluation mode.
    processor : Any
        The slow (Pillow) image processor of the checkpoint.
    processor_config : dict
        The content of the checkpoint's ``preprocessor_config.json``.
    pixel_shape : tuple of int
        Channels, height and width of what the processor makes of every image. For a detection model, whose images have
        many sizes, one size that the model accepts.
    output_names : tuple of str
        The outputs of the bundle: ``logits``, and on request ``attention_rollout``; ``last_hidden_state`` and, if the
        model has it, ``pooler_output``; ``logits`` and ``pred_boxes``; or ``image_embeds``.
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

    def pixel_values(self, image: Image) -> Tensor:
        """Preprocess one RGB image to a float32 tensor of shape [1, channels, height, width]."""
        import torch

        return torch.from_numpy(preprocess(self.processor, image))

    @property
    def sizes_vary(self) -> bool:
        """Whether images keep their aspect ratio, so that each has a size of its own."""
        return self.task == OBJECT_DETECTION

    @property
    def takes_mask(self) -> bool:
        """Whether the model has an input that marks padding."""
        return self.sizes_vary and "pixel_mask" in inspect.signature(type(self.model).forward).parameters

    @property
    def problem_type(self) -> str:
        """The meaning of the logits: the checkpoint's setting, or the assumption of transformers' own loss."""
        if self.task == OBJECT_DETECTION:
            return "single_label_classification"
        named: str | None = self.config.problem_type
        return named or ("regression" if self.config.num_labels == 1 else "single_label_classification")

    def outputs(self, pixel_values: Tensor, pixel_mask: Tensor | None = None) -> dict[str, Tensor]:
        """Compute the source model's own outputs of `output_names`, in that order."""
        import torch

        masks = {} if pixel_mask is None else {"pixel_mask": pixel_mask}
        with torch.no_grad():
            return self.select(self.forward(pixel_values=pixel_values, **masks))

    @property
    def forward(self) -> Callable[..., Any]:
        """The source model as a function of ``pixel_values``; for a CLIP only its image encoder."""
        return partial(_image_embeds, self.model) if self.task == ZERO_SHOT else self.model.forward

    def select(self, outputs: Any) -> dict[str, Tensor]:
        """Select the outputs of `output_names` from all outputs of the model.

        Convolutional encoders compute maps [batch, channels, height, width]. The maps become tokens [batch, height *
        width, channels], as those of transformers. A pooled map of one pixel becomes a vector.
        """
        if self.task in (OBJECT_DETECTION, ZERO_SHOT):
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
        Whether the outputs include the attention rollout.

    Raises
    ------
    ParameterError
        If the source is neither a folder nor an id of a model.
    ExportError
        If the source cannot be read, is incomplete, is not a model for the task, or has no attentions to follow.
    """
    if task not in TASKS:
        raise ExportError(f"task {task!r} is not supported; supported: {', '.join(TASKS)}")
    name = str(source)
    local_only = Path(name).is_dir() or not reach_hub(name)
    config = _load_config(name, task, local_only)
    processor_config = read_json(name, "preprocessor_config.json", local_only)
    model, missing = _load_model(name, task, config, local_only)
    processor = _load_processor(name, local_only)
    # Old checkpoints do not name the processor, because transformers chooses it by the model's type. The bundle names
    # it, because it must be complete without the checkpoint.
    if not {"image_processor_type", "feature_extractor_type"} & processor_config.keys():
        processor_config["image_processor_type"] = type(processor).__name__
    shape = _DETECTION_SHAPE if task == OBJECT_DETECTION else pixel_shape(name, processor)
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
        # PVT's configuration ignores the saved labels and assumes 1000.
        if "id2label" in written:
            config.id2label = {int(index): label for index, label in written["id2label"].items()}
    except Exception as error:  # transformers raises exceptions of many kinds for a damaged folder
        raise ExportError(f"the configuration of {name} cannot be loaded: {first_line(error)}") from error
    if task == OBJECT_DETECTION and config.model_type not in DETECTORS:
        raise ExportError(
            f"{name}: a {config.model_type} model cannot be exported for {task}; {' and '.join(DETECTORS.values())} can"
        )
    return config


def _load_model(name: str, task: str, config: Any, local_only: bool) -> tuple[Any, list[str]]:
    """Return the model, and the names of the weights that the checkpoint lacks, which are those of an unused pooler."""
    import torch
    import transformers

    if task == ZERO_SHOT and config.model_type != "clip":
        raise ExportError(f"{name} is a {config.model_type} model; for {task} only those of type clip can be exported")
    class_name = (
        ENCODERS.get(config.model_type, _AUTO_CLASSES[task]) if task == FEATURE_EXTRACTION else _AUTO_CLASSES[task]
    )
    # A class for the image encoder alone selects its part of the configuration itself.
    arguments = {} if class_name not in _AUTO_CLASSES.values() else {"config": config}
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
    needed = [key for key in missing if task != FEATURE_EXTRACTION or not key.startswith("pooler.")]
    if needed:
        raise ExportError(
            f"{name} has no weights for {', '.join(needed[:4])}: it was not trained for {task}, and the answers would "
            "be random; give a checkpoint that was fine-tuned for the task"
        )
    return model.eval(), missing


def _image_embeds(model: Any, pixel_values: Tensor) -> dict[str, Tensor]:
    """Compute ``image_embeds`` of transformers' CLIPModel, before they are divided by their length."""
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
    """Run the model once to find its outputs, and to check that it accepts the processor's pixels."""
    import torch

    try:
        with torch.no_grad():
            pixel_values = torch.zeros((1, *pixel_shape))
            outputs = _image_embeds(model, pixel_values) if task == ZERO_SHOT else model(pixel_values=pixel_values)
    except Exception as error:  # models raise exceptions of many kinds for a wrong size
        raise ExportError(
            f"{name}: preprocessor_config.json makes images of [channels, height, width] {list(pixel_shape)}, "
            f"which the model does not accept: {first_line(error)}; make `size` or `crop_size` there agree with "
            "`image_size` in config.json"
        ) from error
    if task == OBJECT_DETECTION:
        return _DETECTION_OUTPUTS
    if task != FEATURE_EXTRACTION:
        return ("logits",) if task == CLASSIFICATION else tuple(outputs)
    # A pooler whose weights are not in the checkpoint would compute random numbers.
    expected = _FEATURE_OUTPUTS[:1] if missing else _FEATURE_OUTPUTS
    found = tuple(output for output in expected if outputs.get(output) is not None)
    if _FEATURE_OUTPUTS[0] not in found:
        raise ExportError(
            f"{name}: {type(model).__name__} has no output {_FEATURE_OUTPUTS[0]}; export it for another task"
        )
    return found
