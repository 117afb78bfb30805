"""SparkVision: Vision Transformers as Spark ML Pipeline stages.

Examples
--------
>>> import sparkvision
>>> from sparkvision.ml import ImageAssembler, ViTForImageClassification
>>> spark = sparkvision.start()
>>> vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class")
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

try:
    __version__ = version("sparkvision")
except PackageNotFoundError:  # the distribution without jars, of the same source
    __version__ = version("sparkvision-client")
__all__ = ["LightPipeline", "__version__", "configure", "display", "metrics", "register_function", "start"]

if TYPE_CHECKING:
    from sparkvision._spark.metrics import metrics
    from sparkvision._spark.session import configure, start
    from sparkvision.light_pipeline import LightPipeline
    from sparkvision.report.display import display
    from sparkvision.sql import register_function

_MODULES = {
    "LightPipeline": "light_pipeline",
    "configure": "_spark.session",
    "display": "report.display",
    "metrics": "_spark.metrics",
    "register_function": "sql",
    "start": "_spark.session",
}


def __getattr__(name: str) -> Any:
    # Exporting and inspecting need no Spark: it is imported when it is used.
    if name not in _MODULES:
        raise AttributeError(f"module 'sparkvision' has no attribute {name!r}")
    return getattr(import_module(f"sparkvision.{_MODULES[name]}"), name)
