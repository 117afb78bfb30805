"""SparkVision: Vision Transformers as Spark ML Pipeline stages.

Examples
--------
>>> import sparkvision
>>> from sparkvision.ml import ImageAssembler, ViTForImageClassification
>>> spark = sparkvision.start()
>>> vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sparkvision._version import VERSION as __version__

# `display` is not exported by a star import: IPython has a built-in function of this name.
__all__ = ["LightPipeline", "__version__", "configure", "metrics", "register_function", "start"]

if TYPE_CHECKING:
    from sparkvision._spark.metrics import metrics
    from sparkvision._spark.start import configure, start
    from sparkvision.light_pipeline import LightPipeline
    from sparkvision.report.display import display as display
    from sparkvision.sql import register_function

_MODULES = {
    "LightPipeline": "light_pipeline",
    "configure": "_spark.start",
    "display": "report.display",
    "metrics": "_spark.metrics",
    "register_function": "sql",
    "start": "_spark.start",
}


def __getattr__(name: str) -> Any:
    # Spark is imported only when it is used: exporting and inspecting a bundle do not need it.
    if name not in _MODULES:
        raise AttributeError(f"module 'sparkvision' has no attribute {name!r}")
    return getattr(import_module(f"sparkvision.{_MODULES[name]}"), name)
