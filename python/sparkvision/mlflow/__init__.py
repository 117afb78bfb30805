"""SparkVision's models in MLflow: log them, register them, load them, serve them.

Needs the extra ``mlflow``.

Examples
--------
>>> import mlflow, sparkvision.mlflow
>>> sparkvision.mlflow.log_model(pipeline_model, name="shop", registered_model_name="shop")
>>> sparkvision.mlflow.load_model("models:/shop/1").transform(images)  # in Spark
>>> mlflow.pyfunc.load_model("models:/shop/1").predict(table)  # without Spark
"""

from importlib.util import find_spec

if find_spec("mlflow") is None:
    raise ModuleNotFoundError("sparkvision.mlflow needs MLflow: pip install 'sparkvision[mlflow]'", name="mlflow")

from sparkvision.mlflow.flavor import FLAVOR, load_model, log_model, save_model

# The function that MLflow looks for here when it loads a model to predict with.
from sparkvision.mlflow.prediction import _load_pyfunc as _load_pyfunc

__all__ = ["FLAVOR", "load_model", "log_model", "save_model"]
