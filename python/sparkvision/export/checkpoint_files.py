"""The files of a checkpoint, in a local folder, on the hub, or in the hub's cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sparkvision.errors import ExportError, ParameterError, first_line

_HUB_TIMEOUT_SECONDS = 10.0

_LOCAL_REMEDY = (
    "on a machine with network run `huggingface-cli download {source} --local-dir my-checkpoint`, "
    "copy the folder here, and export it: `sparkvision export my-checkpoint OUT`"
)


def reach_hub(name: str) -> bool:
    """Ask the hub for the model; False means that the hub cannot be reached and only the local cache is left.

    The hub is asked once and briefly, because transformers would retry for half a minute on a machine without network.

    Raises
    ------
    ParameterError
        If the name is neither a folder nor a valid id of a model.
    ExportError
        If the hub refuses the model.
    """
    import requests
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        HfApi().model_info(name, timeout=_HUB_TIMEOUT_SECONDS)
        return True
    except HFValidationError as error:
        raise ParameterError(
            f"{name}: there is no such folder, and it is no id of a model on the hub either; "
            "give the path of a folder that holds config.json, preprocessor_config.json and the weights"
        ) from error
    except HfHubHTTPError as error:
        raise ExportError(
            f"{name}: there is no such folder, and the hub does not give a model of this name ({first_line(error)}); "
            "check the name, or log in with `huggingface-cli login` if the model is private or gated"
        ) from error
    except (requests.RequestException, ConnectionError):
        return False


def read_json(name: str, file: str, local_only: bool) -> dict[str, Any]:
    """Read a JSON object from a file of the checkpoint.

    Raises
    ------
    ExportError
        If there is no such file, or the file holds no JSON object.
    """
    path = _find(name, file, local_only)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ExportError(f"{path} is not JSON ({error}); save the checkpoint again") from error
    if not isinstance(value, dict):
        raise ExportError(f"{path} holds no JSON object; save the checkpoint again")
    return value


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
        raise ExportError(f"{name} on the hub has no {file} ({first_line(error)})") from error
