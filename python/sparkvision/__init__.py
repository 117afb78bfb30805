"""SparkVision: Vision Transformers as Spark ML Pipeline stages.

Examples
--------
>>> import sparkvision
>>> from sparkvision.ml import ImageAssembler, ViTForImageClassification
>>> spark = sparkvision.start()
>>> vit = ViTForImageClassification.pretrained().setInputCols(["image"]).setOutputCol("class")
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

try:
    __version__ = version("sparkvision")
except PackageNotFoundError:  # the distribution without jars, of the same source
    __version__ = version("sparkvision-client")
__all__ = ["LightPipeline", "__version__", "configure", "start"]

if TYPE_CHECKING:
    from sparkvision._session import configure, start
    from sparkvision.local import LightPipeline


def __getattr__(name: str) -> Any:
    # Exporting and inspecting need no Spark: it is imported when it is used.
    if name in ("start", "configure"):
        from sparkvision import _session

        return getattr(_session, name)
    if name == "LightPipeline":
        from sparkvision.local import LightPipeline

        return LightPipeline
    raise AttributeError(f"module 'sparkvision' has no attribute {name!r}")
