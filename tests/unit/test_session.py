"""The configuration of sessions: which jars and extensions they carry."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from sparkvision._spark.jars import jars
from sparkvision._spark.start import configure
from sparkvision.errors import ParameterError


def options(builder: SparkSession.Builder) -> dict[str, str]:
    return dict(builder._options)


def builder(**settings: str) -> SparkSession.Builder:
    made = SparkSession.Builder()
    made._options = {}
    for key, value in settings.items():
        made.config(key.replace("_", "."), value)
    return made


def test_the_gpu_runtime_replaces_the_cpus() -> None:
    assert any(jar.name.startswith("onnxruntime-") for jar in jars())
    assert not any(jar.name.startswith("onnxruntime-") for jar in jars(gpu="cuda12"))


def test_configure_keeps_the_users_own_jars() -> None:
    configured = options(configure(builder(spark_jars="/mine.jar")))["spark.jars"].split(",")
    assert configured == ["/mine.jar", *map(str, jars())]


def test_configure_keeps_the_users_own_extensions() -> None:
    configured = options(configure(builder(spark_sql_extensions="my.Extensions")))
    assert configured["spark.sql.extensions"] == "my.Extensions,sparkvision.ml.SparkVisionExtensions"


def test_configure_for_a_gpu_names_the_runtime_by_its_coordinate() -> None:
    with pytest.warns(UserWarning, match="CUDA 12"):
        packages = options(configure(builder(), gpu="cuda12"))["spark.jars.packages"]
    assert packages == "com.microsoft.onnxruntime:onnxruntime_gpu:1.28.0"


def test_configure_sets_the_drivers_memory_unless_set() -> None:
    assert options(configure(builder()))["spark.driver.memory"] == "4g"
    assert options(configure(builder(spark_driver_memory="9g")))["spark.driver.memory"] == "9g"


def test_configure_reserves_native_memory_for_a_model(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(bytes(4 << 20))
    assert options(configure(builder(), memory_for=tmp_path))["spark.executor.memoryOverhead"] == "1034m"


def test_configure_refuses_a_model_that_is_not_there() -> None:
    with pytest.raises(ParameterError, match="/no/such/bundle"):
        configure(builder(), memory_for="/no/such/bundle")
