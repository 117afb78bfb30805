"""The source of an export: a Hugging Face checkpoint, from a local folder or from the hub."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkvision.errors import ExportError

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

# transformers' Auto class for each task that the engine can run.
TASKS = {"image-classification": "AutoModelForImageClassification"}

_HUB_TIMEOUT_SECONDS = 10.0

_LOCAL_REMEDY = (
    "on a machine with network run `huggingface-cli download {source} --local-dir my-checkpoint`, "
    "copy the folder here, and export it: `sparkvision export my-checkpoint OUT`"
)


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
    """

    source: str
    task: str
    model: Any
    processor: Any
    processor_config: dict[str, Any]

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return self.model.config

    def image_shape(self) -> tuple[int, int, int] | None:
        """Give channels, height and width that the model is fixed to, or None when it takes any size."""
        size = getattr(self.config, "image_size", None)
        if size is None:
            return None
        height, width = (size, size) if isinstance(size, int) else size
        return int(getattr(self.config, "num_channels", 3)), int(height), int(width)

    def pixel_values(self, picture: Image) -> Tensor:
        """Preprocess one RGB picture to a float32 tensor of shape [1, channels, height, width]."""
        pixels: Tensor = self.processor(images=picture, return_tensors="pt")["pixel_values"]
        return pixels

    def logits(self, pixel_values: Tensor) -> Tensor:
        """Compute the source model's own logits, of shape [batch, labels]."""
        import torch

        with torch.no_grad():
            logits: Tensor = self.model(pixel_values=pixel_values).logits
        return logits


def load(source: str | Path, task: str) -> Checkpoint:
    """Load a checkpoint as float32 torch model with eager attention, and its slow image processor.

    Parameters
    ----------
    source : str or Path
        A folder holding ``config.json``, ``preprocessor_config.json`` and weights, or the id of a model on the hub.
    task : str
        One of `TASKS`.

    Raises
    ------
    ExportError
        If the source is not to be had, is incomplete, or is not a model for the task.
    """
    if task not in TASKS:
        raise ExportError(f"task {task!r} is not supported; supported: {', '.join(TASKS)}")
    name = str(source)
    local_only = Path(name).is_dir() or not _reach_hub(name)
    _find(name, "config.json", local_only)
    processor_config = _read_processor_config(name, local_only)
    model = _load_model(name, task, local_only)
    processor = _load_processor(name, local_only)
    # Old checkpoints name no processor and leave the choice to the model's type. The bundle stands alone: it says it.
    if not {"image_processor_type", "feature_extractor_type"} & processor_config.keys():
        processor_config["image_processor_type"] = type(processor).__name__
    checkpoint = Checkpoint(name, task, model, processor, processor_config)
    _require_fitting_size(checkpoint)
    return checkpoint


def _reach_hub(name: str) -> bool:
    """Tell whether the hub can be asked for the model; False leaves the local cache as the only hope.

    Asked once and briefly, because transformers itself would retry for half a minute on a machine without network.
    """
    import requests
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        HfApi().model_info(name, timeout=_HUB_TIMEOUT_SECONDS)
        return True
    except HFValidationError as error:
        raise ExportError(
            f"{name}: there is no such folder, and it is no id of a model on the hub either; "
            "give the path of a folder that holds config.json, preprocessor_config.json and the weights"
        ) from error
    except HfHubHTTPError as error:
        raise ExportError(
            f"{name}: there is no such folder, and the hub does not give a model of this name ({_first_line(error)}); "
            "check the name, or log in with `huggingface-cli login` if the model is private or gated"
        ) from error
    except (requests.RequestException, ConnectionError):
        return False


def _find(name: str, file: str, local_only: bool) -> Path:
    from transformers.utils.hub import cached_file

    folder = Path(name)
    if folder.is_dir():
        if not (folder / file).is_file():
            raise ExportError(
                f"{folder} holds no {file}; a checkpoint folder needs config.json, preprocessor_config.json and the "
                "weights, as `save_pretrained` of the model and of its image processor write them"
            )
        return folder / file
    try:
        return Path(str(cached_file(name, file, local_files_only=local_only)))
    except OSError as error:
        if local_only:
            raise ExportError(
                f"{name}: there is no such folder, the hub cannot be reached from this machine, and its cache does "
                f"not hold {file} of that model; {_LOCAL_REMEDY.format(source=name)}"
            ) from error
        raise ExportError(f"{name} on the hub has no {file} ({_first_line(error)})") from error


def _read_processor_config(name: str, local_only: bool) -> dict[str, Any]:
    path = _find(name, "preprocessor_config.json", local_only)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ExportError(f"{path} is not JSON ({error}); save the image processor again") from error
    if not isinstance(value, dict):
        raise ExportError(f"{path} holds no JSON object; save the image processor again")
    return value


def _load_model(name: str, task: str, local_only: bool) -> Any:
    import torch
    import transformers

    auto_class = getattr(transformers, TASKS[task])
    try:
        model, loading = auto_class.from_pretrained(
            name,
            local_files_only=local_only,
            attn_implementation="eager",
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # transformers raises nearly anything for a folder that is not what it should be
        raise ExportError(f"{name} cannot be loaded for {task}: {_first_line(error)}") from error
    if loading["missing_keys"]:
        missing = ", ".join(sorted(loading["missing_keys"])[:4])
        raise ExportError(
            f"{name} has no weights for {missing}: it was not trained for {task}, and the answers would be random; "
            "give a checkpoint that was fine-tuned for the task"
        )
    return model.eval()


def _load_processor(name: str, local_only: bool) -> Any:
    import transformers

    auto_class: Any = transformers.AutoImageProcessor
    try:
        return auto_class.from_pretrained(name, use_fast=False, local_files_only=local_only)
    except Exception as error:  # as in _load_model
        raise ExportError(f"the image processor of {name} cannot be loaded: {_first_line(error)}") from error


def _require_fitting_size(checkpoint: Checkpoint) -> None:
    """Refuse a processor whose pictures the model would not take: every later step would fail less clearly."""
    from PIL import Image

    expected = checkpoint.image_shape()
    found = tuple(checkpoint.pixel_values(Image.new("RGB", (37, 23)))[0].shape)
    if expected is not None and found != expected:
        raise ExportError(
            f"{checkpoint.source}: preprocessor_config.json makes pictures of [channels, height, width] {list(found)}, "
            f"but the model takes {list(expected)}; make `size` there agree with `image_size` in config.json"
        )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
