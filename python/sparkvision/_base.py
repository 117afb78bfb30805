"""What the generated stages in `sparkvision.ml` share: the way to their Scala twins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from pyspark.ml.param import Param
from pyspark.ml.util import JavaMLReadable, JavaMLWritable, JavaMLWriter
from pyspark.ml.wrapper import JavaTransformer
from pyspark.sql import DataFrame, SparkSession

from sparkvision import errors
from sparkvision._session import require_jars

Stage = TypeVar("Stage", bound="VisionTransformer")
ModelStage = TypeVar("ModelStage", bound="ModelTransformer")


@contextmanager
def scala_errors() -> Iterator[None]:
    """Raise what the engine refuses as this package's exceptions, without the JVM's stack trace."""
    from py4j.protocol import Py4JJavaError

    try:
        yield
    except Py4JJavaError as error:
        scala = error.java_exception
        translated = errors.from_scala(scala.getClass().getSimpleName(), scala.getMessage())
        if translated is None:
            raise
        raise translated from None


def _session() -> SparkSession:
    spark = SparkSession.getActiveSession()
    if spark is None:
        raise errors.SessionError("There is no Spark session: call sparkvision.start() first.")
    return spark


class VisionTransformer(JavaTransformer, JavaMLReadable[Any], JavaMLWritable):
    """A stage that runs in Scala; everything about it is in its Params."""

    _java_class: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        require_jars(_session())
        self._java_obj = self._new_java_obj(self._java_class, self.uid)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        with scala_errors():
            return super()._transform(dataset)

    @classmethod
    def load(cls: type[Stage], path: str) -> Stage:
        """Load a saved stage, with its model if it has one.

        Parameters
        ----------
        path
            Where `save` wrote it, or where that folder was moved to.

        Raises
        ------
        BundleError
            When the model that lies there is missing, damaged, or not the one that was saved.
        """
        with scala_errors():
            stage: Stage = super().load(path)
        return stage

    def write(self) -> JavaMLWriter:
        """Give a writer that saves this stage, with its model if it has one."""
        with scala_errors():
            return super().write()

    def _get_or_none(self, param: Param[Any]) -> Any:
        return self.getOrDefault(param) if self.isDefined(param) else None


class ModelTransformer(VisionTransformer):
    """A stage that runs a model bundle."""

    def setModelPath(self: ModelStage, value: str) -> ModelStage:
        """Set the model bundle's folder, any URI that Hadoop reads, or ``embedded:NAME``."""
        self.clear(self.getParam("bundleHash"))
        return self._set(modelPath=value)

    def copy(self: ModelStage, extra: dict[Param[Any], Any] | None = None) -> ModelStage:
        """Copy this stage; with another modelPath the copy forgets the hash of the old model, as setModelPath does."""
        copied = super().copy(extra)
        names = {param.name for param in extra or {}}
        if "modelPath" in names and "bundleHash" not in names:
            copied.clear(copied.getParam("bundleHash"))
        return copied

    @classmethod
    def loadSavedModel(cls: type[ModelStage], path: str, spark: SparkSession) -> ModelStage:
        """Make a stage that runs the bundle at ``path``, checked here and now.

        Parameters
        ----------
        path
            A folder, any URI that Hadoop reads, or ``embedded:NAME``.
        spark
            The session to read it with.

        Raises
        ------
        BundleError
            When the bundle is missing, damaged, unsafe, contradicts itself or is another architecture's.
        ProcessorError
            When its preprocessing is one that SparkVision does not support.

        Examples
        --------
        >>> vit = ViTForImageClassification.loadSavedModel("my-vit/", spark)
        """
        require_jars(spark)
        with scala_errors():
            return cls._from_companion("loadSavedModel", str(path), spark._jsparkSession)

    @classmethod
    def pretrained(cls: type[ModelStage]) -> ModelStage:
        """Make a stage with the embedded default model: handwritten digits.

        Examples
        --------
        >>> vit = ViTForImageClassification.pretrained()
        """
        require_jars(_session())
        with scala_errors():
            return cls._from_companion("pretrained")

    @classmethod
    def _from_companion(cls: type[ModelStage], method: str, *arguments: Any) -> ModelStage:
        scala: Any = _session()._jvm
        for name in cls._java_class.split("."):
            scala = getattr(scala, name)
        stage: ModelStage = cls._from_java(getattr(scala, method)(*arguments))
        return stage


class ClassificationTransformer(ModelTransformer):
    """A stage that labels pictures."""

    def labels(self) -> list[str]:
        """Give the names of the classes, in the order of their ids."""
        assert self._java_obj is not None
        self._transfer_params_to_java()
        with scala_errors():
            return list(self._java_obj.labels())
