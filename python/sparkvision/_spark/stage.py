"""What the generated stages in `sparkvision.ml` share: the way to their Scala twins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pyspark.ml.param import Param, Params
from pyspark.ml.util import JavaMLReadable, JavaMLWritable, JavaMLWriter
from pyspark.ml.wrapper import JavaTransformer
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.utils import is_remote

from sparkvision._spark import server_models
from sparkvision._spark.scala_errors import scala_errors
from sparkvision._spark.session import require_jars, require_session
from sparkvision.errors import ParameterError

if TYPE_CHECKING:
    from typing_extensions import Self


class VisionTransformer(JavaTransformer, JavaMLReadable[Any], JavaMLWritable):
    """A stage that runs in Scala; everything about it is in its Params.

    Over Spark Connect the Scala object is made on the server, from the Params, at every use; pyspark's base classes
    see to that where this class does not.
    """

    _java_class: ClassVar[str]
    # pyspark's destructor reads this also where a constructor failed before it was set.
    _java_obj = None
    # What pyspark's keyword_only passes to a constructor's body: the keyword arguments of the call.
    _input_kwargs: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        require_jars(require_session())
        self._java_obj = self._new_java_obj(self._java_class, self.uid)

    def setParams(self, **params: Any) -> Self:
        """Set several Params at once.

        Parameters
        ----------
        **params
            Values by the Params' names, as the constructor takes them. None leaves a Param as it is.

        Returns
        -------
        Self
            This stage.

        Raises
        ------
        TypeError
            When this stage has no such Param, or a value has another type.
        ParameterError
            When a value is not allowed.

        Examples
        --------
        >>> vit = ViTForImageClassification.pretrained().setParams(inputCols="image", outputCol="class")
        """
        for name in params:
            if not self.hasParam(name):
                raise TypeError(f"{type(self).__name__} has no Param {name!r}; explainParams() lists its Params.")
        return self._set(**{name: value for name, value in params.items() if value is not None})

    def _transform(self, dataset: DataFrame) -> DataFrame:
        with scala_errors():
            result = super()._transform(dataset)
            if is_remote():
                _ = result.schema  # analysed now, as in a classic session, so that mistakes show here
            return result

    def set(self, param: Param[Any], value: Any) -> None:
        """Set a Param of this stage; a value that is not allowed is a ParameterError."""
        # pyspark's own replaces the ParameterError by a plain ValueError.
        self._shouldOwn(param)
        self.setParams(**{param.name: value})

    def _set(self, **values: Any) -> Self:
        for name, value in values.items():
            # Spark Connect cannot send an empty list, and none of the Params makes sense with one.
            if isinstance(value, (list, tuple)) and not value:
                raise ParameterError(f"{name} of {self.uid} is an empty list: give it values, or leave it unset.")
        return super()._set(**values)

    def copy(self, extra: dict[Param[Any], Any] | None = None) -> Self:
        """Copy this stage; ``transform(df, params)`` does, too.

        Parameters
        ----------
        extra
            Params of the copy that differ, for instance ``{stage.topK: 3}``.

        Raises
        ------
        ParameterError
            When one of them has a value that is not allowed.
        """
        # Set as by setters: pyspark's own copy takes any value. A Pipeline's copy hands every stage the Params of all.
        own = {param.name: value for param, value in (extra or {}).items() if param.parent == self.uid}
        return super().copy().setParams(**own)

    def clear(self, param: Param[Any]) -> None:
        """Forget the value that a Param was set to."""
        # Over Spark Connect pyspark's own does nothing.
        if is_remote():
            Params.clear(self, param)
        else:
            super().clear(param)

    @classmethod
    def load(cls, path: str) -> Self:
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
            stage: Self = super().load(path)
        return stage

    def write(self) -> JavaMLWriter:
        """Return a writer that saves this stage, with its model if it has one."""
        require_session()
        with scala_errors():
            return super().write()


class ColumnsTransformer(VisionTransformer):
    """A stage that names its columns in `inputCols`."""

    def setInputCols(self, *value: str | list[str]) -> Self:
        """Set the columns that are read, as ``setInputCols("image")`` or ``setInputCols(["image"])``."""
        names = [name for given in value for name in (given if isinstance(given, (list, tuple)) else [given])]
        return self._set(inputCols=names)


class BundleTransformer(VisionTransformer):
    """A stage that runs a model bundle."""

    def setModelPath(self, value: str) -> Self:
        """Set the model bundle's folder, any URI that Hadoop reads, or ``embedded:NAME``."""
        return self.setParams(modelPath=value)

    def setParams(self, **params: Any) -> Self:
        """Set several Params at once, as every stage does; another modelPath forgets the hash of the previous model."""
        if params.get("modelPath") is not None:
            self.clear(self.getParam("bundleHash"))
        return super().setParams(**params)

    @classmethod
    def loadSavedModel(cls, path: str, spark: SparkSession, **params: Any) -> Self:
        """Make a stage that runs the bundle at ``path``, checked here and now.

        Parameters
        ----------
        path
            A folder, any URI that Hadoop reads, or ``embedded:NAME``. Over Spark Connect it is the server's; a bundle
            that only the client has is uploaded, once, below the server's ``spark.sparkvision.modelHome``.
        spark
            The session to read it with.
        **params
            Params to set, as `setParams` takes them.

        Raises
        ------
        ParameterError
            When there is no such folder.
        BundleError
            When the bundle is damaged, unsafe, contradicts itself or is another architecture's.
        ProcessorError
            When its preprocessing is one that SparkVision does not support.
        SessionError
            When the session, or the server, lacks our jars, or a bundle needs uploading and the server has no place.

        Examples
        --------
        >>> vit = ViTForImageClassification.loadSavedModel("my-vit/", spark, inputCols="image", outputCol="class")
        """
        require_jars(spark)
        with scala_errors():
            if is_remote():
                stage = server_models.load_saved_model(cls.load, str(path), spark)
            else:
                stage = cls._from_companion(spark, "loadSavedModel", str(path), spark._jsparkSession)
        return stage.setParams(**params)

    @classmethod
    def pretrained(cls, name: str, version: str | None = None, **params: Any) -> Self:
        """Make a stage with a model by its name.

        The model is looked for among the models in the jar, then in the folder that the environment variable
        ``SPARKVISION_HOME`` names (the driver's; over Spark Connect the server's), then below
        ``spark.sparkvision.modelHome``.

        Parameters
        ----------
        name
            The model's name, or ``NAME:VERSION``. Only a stage that runs the model in the jar, handwritten digits, has
            a default: `ViTForImageClassification`.
        version
            Default: the newest.
        **params
            Params to set, as `setParams` takes them.

        Raises
        ------
        BundleError
            When there is no such model, with the commands that make it; when it is damaged, or another stage runs it.

        Examples
        --------
        >>> vit = ViTForImageClassification.pretrained("my-vit", version="2", inputCols="image", outputCol="class")
        """
        model = name if version is None else f"{name}:{version}"
        spark = require_session()
        with scala_errors():
            if is_remote():
                stage = cls.load(server_models.pretrained_path(model))
            else:
                stage = cls._from_companion(spark, "pretrained", model)
        return stage.setParams(**params)

    @classmethod
    def _from_companion(cls, spark: SparkSession, method: str, *arguments: Any) -> Self:
        scala: Any = spark._jvm
        for name in cls._java_class.split("."):
            scala = getattr(scala, name)
        stage: Self = cls._from_java(getattr(scala, method)(*arguments))
        return stage


class EmbeddedModel(BundleTransformer):
    """A stage that runs the model in the jar, and takes that one where `pretrained` is given no name."""

    @classmethod
    def pretrained(cls, name: str = "digits", version: str | None = None, **params: Any) -> Self:
        """Make a stage with a model by its name, as every stage with a model does.

        Parameters
        ----------
        name
            The model's name, or ``NAME:VERSION``. Default: the model in the jar, which reads handwritten digits.
        version
            Default: the newest.
        **params
            Params to set, as `setParams` takes them.

        Raises
        ------
        BundleError
            When there is no such model, with the commands that make it; when it is damaged, or another stage runs it.

        Examples
        --------
        >>> vit = ViTForImageClassification.pretrained(inputCols="image", outputCol="class")
        """
        return super().pretrained(name, version, **params)


class ModelTransformer(ColumnsTransformer, BundleTransformer):
    """A stage that runs a model bundle on images."""


class ClassificationTransformer(ModelTransformer):
    """A stage that labels images."""

    def labels(self) -> list[str]:
        """Return the names of the classes, in the order of their ids."""
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
        stage = type(self)().setParams(inputCols="image", rawPredictionCol="logits", **model)
        logits = stage.transform(require_session().range(0).selectExpr("cast(null as binary) image")).schema["logits"]
        groups = logits.metadata.get("ml_attr", {}).get("attrs", {}).values()
        found = sorted((attribute["idx"], attribute["name"]) for group in groups for attribute in group)
        return [name for _, name in found]
