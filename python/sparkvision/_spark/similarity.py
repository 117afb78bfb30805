"""Builds similarity indexes, for the generated stage that searches them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql.utils import is_remote

from sparkvision._spark.scala_errors import scala_errors
from sparkvision._spark.session import require_jars
from sparkvision._spark.stage import VisionTransformer
from sparkvision.errors import SessionError


@dataclass(frozen=True)
class SimilarityIndex:
    """A similarity index that was built."""

    path: str
    """The URI of its folder."""
    dimension: int
    """The length of its vectors."""
    vectors: int
    """The number of its vectors."""
    left_out: dict[str, int]
    """The number of rows that it does not hold, by the reason."""


class SimilarityTransformer(VisionTransformer):
    """A stage that searches a similarity index."""

    @classmethod
    def build(
        cls,
        dataset: DataFrame,
        indexPath: str | Path,
        *,
        idCol: str = "path",
        embeddingsCol: str = "features",
        method: Literal["exact", "approximate"] = "exact",
        overwrite: bool = False,
        shards: int = 0,
        m: int = 16,
        efConstruction: int = 100,
    ) -> SimilarityIndex:
        """Write the index of a table's embeddings, one shard a partition.

        Parameters
        ----------
        dataset
            A table, not a stream.
        indexPath
            A folder, any URI that Hadoop writes to, new, empty or an index's; all executors must reach it.
        idCol
            Column that names the images. Each row is one of the index, also where two rows have the same id.
        embeddingsCol
            Column of Spark ML's vectors, or of arrays of numbers, of one length. Rows without a usable one, or without
            an id, are left out and counted.
        method
            ``"approximate"`` also builds graphs of neighbours, which takes most of the time; the index can then be
            searched both ways.
        overwrite
            Whether to replace an index that is there.
        shards
            The number of shards. 0: the number of partitions; with ``"approximate"`` at most the number of the
            cluster's cores, because each approximate search walks through all shards.
        m
            The number of neighbours that each vector of a graph is linked to.
        efConstruction
            The number of candidates that the neighbours are chosen from: more make a better graph, and take longer.

        Returns
        -------
        SimilarityIndex
            The index, with the number of rows that were left out.

        Raises
        ------
        ParameterError
            For a stream, a column that is not there, an index that is there already, or, whatever `overwrite` says, a
            folder that holds something else.
        SimilarityIndexError
            When no row has a usable embedding, one has another length than the others, or the index cannot be written.
        SessionError
            When the session is one over Spark Connect, or lacks SparkVision's jars.

        Examples
        --------
        >>> SimilarImages.build(embedded, "hdfs:///indexes/catalogue", method="approximate")
        >>> SimilarImages(indexPath="hdfs:///indexes/catalogue", method="approximate").transform(queries)
        """
        if is_remote():
            raise SessionError(
                "SimilarImages.build runs a Spark job that writes files, which a Spark Connect client cannot start. "
                "Build the index in a classic session, as sparkvision.start() without remote makes it, for instance "
                "with spark-submit; to search it works over Spark Connect too."
            )
        spark = dataset.sparkSession
        require_jars(spark)
        with scala_errors():
            scala = spark._jvm.sparkvision.ml.SimilarImages  # type: ignore[union-attr]
            summary = scala.build(
                dataset._jdf, str(indexPath), idCol, embeddingsCol, method, overwrite, shards, m, efConstruction
            )
            left_out = summary.leftOutAsJava()
            return SimilarityIndex(
                summary.indexPath(), summary.dimension(), summary.vectors(), {k: left_out[k] for k in left_out}
            )
