"""The settings that `--master` and `--conf` give, and the mistakes in them that are found before Spark starts."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from sparkvision.cli.spark import start_checks
from sparkvision.errors import ParameterError, SessionError

MASTER = "spark.master"
# Spark applies these settings to a running session, and refuses a wrong value at once.
SQL_PREFIX = "spark.sql."

# The master URLs of Spark's documentation; other URLs with :// belong to cluster managers of third parties.
_MASTER = re.compile(
    r"local|local\[(\*|0*[1-9]\d*)(\s*,\s*\d+)?\]|local-cluster\[\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\]|yarn|[\w.+-]+://.+"
)
_MASTERS = "local[*], local[4], spark://HOST:7077, yarn or k8s://HOST:PORT"
# The errors of Spark and Java about a wrong size name neither the setting nor its value. The driver's memory becomes
# Java's option -Xmx, which accepts fewer units than Spark.
_SIZE = re.compile(r"\d+([kmgtp]b?|b)?", re.IGNORECASE)
_MEMORY = {
    "spark.driver.memory": re.compile(r"\d+[kmgt]", re.IGNORECASE),
    "spark.driver.memoryOverhead": _SIZE,
    "spark.executor.memory": _SIZE,
    "spark.executor.memoryOverhead": _SIZE,
}

# Configuration that may place paths without a scheme on another file system, and choose a master that is not local.
_CONFIGURED_BY = ("HADOOP_CONF_DIR", "YARN_CONF_DIR", "SPARK_CONF_DIR", "MASTER", "PYSPARK_SUBMIT_ARGS")
_DEFAULT_FILE_SYSTEM = ("spark.hadoop.fs.defaultFS", "spark.hadoop.fs.default.name")


@dataclass(frozen=True)
class SparkSettings:
    """The settings of a command's session.

    Attributes
    ----------
    master : str, optional
        Spark's master, from `--master` or `--conf spark.master=`.
    config : dict of str to str
        Every other `--conf`.
    """

    master: str | None
    config: dict[str, str]

    @staticmethod
    def of(master: str | None, conf: Sequence[str] | None, default: str | None = None) -> SparkSettings:
        """Read the options.

        Parameters
        ----------
        master : str, optional
            The value of `--master`.
        conf : sequence of str, optional
            The value of each `--conf`.
        default : str, optional
            The master if neither option names one. Default: the master of Spark's configuration.

        Raises
        ------
        typer.BadParameter
            When a `--conf` is not of the form KEY=VALUE.
        ParameterError
            When a setting is given twice with different values, or Spark knows no such master or size of memory.
        """
        config = {} if master is None else {MASTER: master}
        for text in conf or ():
            key, equals, value = text.partition("=")
            if not equals or not key:
                raise typer.BadParameter(f"--conf {text} is no setting; give KEY=VALUE")
            if config.setdefault(key, value) != value:
                raise ParameterError(f"{key} is given twice, as {config[key]} and as {value}; give it once")
        for key, size in _MEMORY.items():
            if key in config and not size.fullmatch(config[key]):
                raise ParameterError(f"--conf {key}={config[key]}: that is not a size of memory; give for instance 4g")
        chosen = config.pop(MASTER, default)
        if chosen is not None and not _MASTER.fullmatch(chosen):
            raise ParameterError(f"{chosen} is not a master URL; give {_MASTERS}")
        return SparkSettings(chosen, config)

    def require_startable(self) -> None:
        """Refuse to start Spark if the start would fail, or would try to reach the master for a minute.

        Raises
        ------
        SessionError
            When there is no suitable Java, or the master does not answer.
        """
        found = [start_checks.java()]
        if self.master is not None:
            found.append(start_checks.reachable(self.master))
        for check in found:
            if check.state == "fix":
                raise SessionError(f"{check.found}; {check.remedy}")

    def is_local(self) -> bool:
        """Return whether tasks certainly run on this machine, and paths without a scheme are certainly on it.

        If Spark or Hadoop has configuration files, only the session knows.
        """
        if self.is_configured():
            return False
        return (self.master or "local").startswith("local") and not any(
            key in self.config for key in _DEFAULT_FILE_SYSTEM
        )

    @staticmethod
    def is_configured() -> bool:
        """Return whether configuration files or variables of Spark or Hadoop may set what the command line does not."""
        return any(os.environ.get(name) for name in _CONFIGURED_BY) or (_spark_home() / "conf").is_dir()

    def refused_by_spark(self, reasons: Sequence[str]) -> ParameterError | None:
        """Return the error for a Spark that refuses to start, if a reason names one of the settings, else None.

        Parameters
        ----------
        reasons : sequence of str
            The messages of the exception and of its causes.
        """
        for key, value in self.config.items():
            for reason in reasons:
                if key in reason:
                    return ParameterError(f"--conf {key}={value} is refused by Spark: {reason}")
        return None


def _spark_home() -> Path:
    """Return Spark's folder without importing pyspark, which takes a second."""
    named = os.environ.get("SPARK_HOME")
    found = importlib.util.find_spec("pyspark")
    return Path(named or Path(str(found.origin if found else "")).parent)
