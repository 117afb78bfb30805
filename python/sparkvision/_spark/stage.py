"""What the generated stages in `sparkvision.ml` share: the way to their Scala twins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from pyspark.ml.param import Param, Params
from pyspark.ml.util import JavaMLReadable, JavaMLWritable, JavaMLWriter
from pyspark.ml.wrapper import JavaTransformer
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.utils import is_remote

from sparkvision import errors
from sparkvision._spark import connect
from sparkvision._spark.session import require_jars, require_session

Stage = TypeVar("Stage", bound="VisionTransformer")
ColumnsStage = TypeVar("ColumnsStage", bound="ColumnsTransformer")
ModelStage = TypeVar("ModelStage", bound="BundleTransformer")

# EmbeddedModels.scala's default.
_DEFAULT_MODEL = "digits"


@contextmanager
def scala_errors() -> Iterator[None]:
    """Raise what the engine refuses as this package's exceptions, without the JVM's stack trace."""
    try:
        yield
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from None


def _refusal(error: Exception) -> errors.SparkVisionError | None:
    # Py4JJavaError, by what it has: a client without Java has no py4j.
    scala = getattr(error, "java_exception", None)
    if scala is None:
        return connect.refusal(error)
    return errors.from_scala(scala.getClass().getSimpleName(), scala.getMessage())


class VisionTransformer(JavaTransformer, JavaMLReadable[Any], JavaMLWritable):
    """A stage that runs in Scala; everything about it is in its Params.

    Over Spark Connect the Scala object is made on the server, from the Params, at every use; pyspark's base classes
    see to that where this class does not.
    """

    _java_class: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        require_jars(require_session())
        self._java_obj = self._new_java_obj(self._java_class, self.uid)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        with scala_errors():
            result = super()._transform(dataset)
            if is_remote():
                _ = result.schema  # analysed now, as in a classic session, so that mistakes show here
            return result

    def _set(self: Stage, **values: Any) -> Stage:
        for name, value in values.items():
            # Spark Connect cannot send an empty list, and none of the Params makes sense with one.
            if isinstance(value, (list, tuple)) and not value:
                raise errors.ParameterError(
                    f"{name} of {self.uid} is an empty list: give it values, or leave it unset."
                )
        stage: Stage = super()._set(**values)
        return stage

    def copy(self: Stage, extra: dict[Param[Any], Any] | None = None) -> Stage:
        """Copy this stage; ``transform(df, params)`` does, too.

        Parameters
        ----------
        extra
            Params of the copy that differ, for instance ``{stage.topK: 3}``.

        Raises
        ------
        ParameterError
            When one of them has a value that makes no sense.
        """
        # Set as by setters: pyspark's own copy takes any value. A Pipeline's copy hands every stage the Params of all.
        own = {param.name: value for param, value in (extra or {}).items() if param.parent == self.uid}
        copied: Stage = super().copy()
        return copied._set(**own)

    def clear(self, param: Param[Any]) -> None:
        """Forget the value that a Param was set to."""
        # Over Spark Connect pyspark's own does nothing.
        if is_remote():
            Params.clear(self, param)
        else:
            super().clear(param)

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
        require_session()
        with scala_errors():
            stage: Stage = super().load(path)
        return stage

    def write(self) -> JavaMLWriter:
        """Give a writer that saves this stage, with its model if it has one."""
        require_session()
        with scala_errors():
            return super().write()

    def _get_or_none(self, param: Param[Any]) -> Any:
        return self.getOrDefault(param) if self.isDefined(param) else None


class ColumnsTransformer(VisionTransformer):
    """A stage that names its columns in `inputCols`."""

    def setInputCols(self: ColumnsStage, *value: str | list[str]) -> ColumnsStage:
        """Set the columns that are read, as ``setInputCols("image")`` or ``setInputCols(["image"])``."""
        names = [name for given in value for name in (given if isinstance(given, (list, tuple)) else [given])]
        return self._set(inputCols=names)


class BundleTransformer(VisionTransformer):
    """A stage that runs a model bundle."""

    def setModelPath(self: ModelStage, value: str) -> ModelStage:
        """Set the model bundle's folder, any URI that Hadoop reads, or ``embedded:NAME``."""
        self.clear(self.getParam("bundleHash"))
        return self._set(modelPath=value)

    def copy(self: ModelStage, extra: dict[Param[Any], Any] | None = None) -> ModelStage:
        """Copy this stage; with another modelPath the copy forgets the hash of the old model, as setModelPath does."""
        copied = super().copy(extra)
        names = {param.name for param in extra or {} if param.parent == self.uid}
        if "modelPath" in names and "bundleHash" not in names:
            copied.clear(copied.getParam("bundleHash"))
        return copied

    @classmethod
    def loadSavedModel(cls: type[ModelStage], path: str, spark: SparkSession) -> ModelStage:
        """Make a stage that runs the bundle at ``path``, checked here and now.

        Parameters
        ----------
        path
            A folder, any URI that Hadoop reads, or ``embedded:NAME``. Over Spark Connect it is the server's; a bundle
            that only the client has is uploaded, once, below the server's ``spark.sparkvision.modelHome``.
        spark
            The session to read it with.

        Raises
        ------
        BundleError
            When the bundle is missing, damaged, unsafe, contradicts itself or is another architecture's.
        ProcessorError
            When its preprocessing is one that SparkVision does not support.
        SessionError
            When the session, or the server, lacks our jars, or a bundle needs uploading and the server has no place.

        Examples
        --------
        >>> vit = ViTForImageClassification.loadSavedModel("my-vit/", spark)
        """
        require_jars(spark)
        with scala_errors():
            if is_remote():
                return connect.load_saved_model(cls, str(path), spark)
            return cls._from_companion(spark, "loadSavedModel", str(path), spark._jsparkSession)

    @classmethod
    def pretrained(cls: type[ModelStage], name: str = _DEFAULT_MODEL, version: str | None = None) -> ModelStage:
        """Make a stage with a model by its name.

        Looked for among the models in the jar, then in the folder that the environment variable ``SPARKVISION_HOME``
        names (the driver's; over Spark Connect the server's), then below ``spark.sparkvision.modelHome``.

        Parameters
        ----------
        name
            The model's name, or ``NAME:VERSION``. Default: the embedded model of handwritten digits.
        version
            Default: the newest.

        Raises
        ------
        BundleError
            When there is no such model, with the commands that make it; when it is damaged, or another stage runs it.

        Examples
        --------
        >>> vit = ViTForImageClassification.pretrained()
        >>> vit = ViTForImageClassification.pretrained("my-vit", version="2")
        """
        model = name if version is None else f"{name}:{version}"
        spark = require_session()
        with scala_errors():
            if is_remote():
                return cls.load(connect.PRETRAINED_PREFIX + model)
            return cls._from_companion(spark, "pretrained", model)

    @classmethod
    def _from_companion(cls: type[ModelStage], spark: SparkSession, method: str, *arguments: Any) -> ModelStage:
        scala: Any = spark._jvm
        for name in cls._java_class.split("."):
            scala = getattr(scala, name)
        stage: ModelStage = cls._from_java(getattr(scala, method)(*arguments))
        return stage


class ModelTransformer(ColumnsTransformer, BundleTransformer):
    """A stage that runs a model bundle on pictures."""


class ClassificationTransformer(ModelTransformer):
    """A stage that labels pictures."""

    def labels(self) -> list[str]:
        """Give the names of the classes, in the order of their ids."""
        if is_remote():
            return self._labels_by_server()
        require_session()
        assert self._java_obj is not None
        self._transfer_params_to_java()
        with scala_errors():
            return list(self._java_obj.labels())

    def _labels_by_server(self) -> list[str]:
        """Read the labels from the metadata of the logits' column: only Params and DataFrames cross Spark Connect."""
        deciding = ("modelPath", "bundleHash", "candidateLabels")
        model = {name: self.getOrDefault(name) for name in deciding if self.hasParam(name) and self.isDefined(name)}
        stage = type(self)()._set(inputCols=["picture"], rawPredictionCol="logits", **model)
        no_pictures = require_session().range(0).selectExpr("cast(null as binary) picture")
        return connect.column_labels(stage.transform(no_pictures), "logits")
