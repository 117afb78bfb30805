"""What `--master` and `--conf` say, and what of it is wrong before Spark is started."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from sparkvision.cli import start_checks
from sparkvision.errors import ParameterError, SessionError

MASTER = "spark.master"
# Spark applies these to a session that runs already, and says at once which values it refuses.
SQL_PREFIX = "spark.sql."

# As Spark's documentation of master URLs has them; others with :// belong to cluster managers of third parties.
_MASTER = re.compile(
    r"local|local\[(\*|0*[1-9]\d*)(\s*,\s*\d+)?\]|local-cluster\[\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\]|yarn|[\w.+-]+://.+"
)
_MASTERS = "local[*], local[4], spark://HOST:7077, yarn or k8s://HOST:PORT"
# What Spark or Java says of a wrong size names neither the setting nor its value. The driver's memory becomes Java's
# option -Xmx, which knows fewer units than Spark.
_SIZE = re.compile(r"\d+([kmgtp]b?|b)?", re.IGNORECASE)
_MEMORY = {
    "spark.driver.memory": re.compile(r"\d+[kmgt]", re.IGNORECASE),
    "spark.driver.memoryOverhead": _SIZE,
    "spark.executor.memory": _SIZE,
    "spark.executor.memoryOverhead": _SIZE,
}

# Where these say so, a path without a scheme is not on this machine, and the master not local.
_CONFIGURED_BY = ("HADOOP_CONF_DIR", "YARN_CONF_DIR", "SPARK_CONF_DIR", "MASTER", "PYSPARK_SUBMIT_ARGS")
_DEFAULT_FILE_SYSTEM = ("spark.hadoop.fs.defaultFS", "spark.hadoop.fs.default.name")


@dataclass(frozen=True)
class SparkSettings:
    """The settings of a command's session.

    Attributes
    ----------
    master : str, optional
        Spark's master, as `--master` or `--conf spark.master=` says.
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
            What `--master` says.
        conf : sequence of str, optional
            What each `--conf` says.
        default : str, optional
            The master where neither says one. Default: what Spark's configuration says.

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
        """Refuse to start Spark where it would fail, or try for a minute.

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
        """Tell whether the tasks surely run on this machine, and a path without a scheme surely lies on it.

        Where Spark or Hadoop has configuration files, only the session knows.
        """
        if any(os.environ.get(name) for name in _CONFIGURED_BY) or (_spark_home() / "conf").is_dir():
            return False
        return (self.master or "local").startswith("local") and not any(
            key in self.config for key in _DEFAULT_FILE_SYSTEM
        )

    def refused_by_spark(self, reasons: Sequence[str]) -> ParameterError | None:
        """Give what to tell when Spark refuses to start for these reasons, if one of them names one of the settings.

        Parameters
        ----------
        reasons : sequence of str
            What an exception says, and each of its causes.
        """
        for key, value in self.config.items():
            for reason in reasons:
                if key in reason:
                    return ParameterError(f"--conf {key}={value} is refused by Spark: {reason}")
        return None


def _spark_home() -> Path:
    """Find Spark's folder without the import of pyspark, which takes a second."""
    named = os.environ.get("SPARK_HOME")
    found = importlib.util.find_spec("pyspark")
    return Path(named or Path(str(found.origin if found else "")).parent)
