"""Silence for the libraries below: an export's output is its own steps, not the tracer's remarks."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

# torch.jit remarks on every Python value it traces and torch.onnx on its TorchScript exporter; both are known and
# are answered by comparing the written graph with its source.
_LOGGERS = dict.fromkeys(("optimum", "torch.onnx", "torch.jit", "transformers", "huggingface_hub"), logging.ERROR)
# Pillow logs, beside raising it, why it cannot read a picture.
_LOGGERS["PIL"] = logging.CRITICAL


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hide warnings, and log messages below errors, of the libraries for models; and all that Pillow logs.

    Examples
    --------
    >>> with quiet():
    ...     warnings.warn("not seen")
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    # The quantiser logs at the root, which would set up logging for the whole process if nobody had.
    silent = logging.NullHandler()
    logging.getLogger().addHandler(silent)
    try:
        for logger, level in zip(loggers, _LOGGERS.values(), strict=True):
            logger.setLevel(level)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger().removeHandler(silent)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
