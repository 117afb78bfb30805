"""The command `sparkvision similar`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparkvision.cli.command import command
from sparkvision.cli.embed import MODEL, POOLING, Pooling
from sparkvision.cli.model_option import FeatureModel, fetch, local_bundle
from sparkvision.cli.spark.session import Conf
from sparkvision.cli.spark.settings import SparkSettings
from sparkvision.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pyspark.sql import SparkSession

    from sparkvision.local import LocalModel

    Floats = NDArray[np.float32]

# Images embedded between two steps of the progress bar.
_IMAGES_PER_STEP = 16


@command(
    "similar",
    "sparkvision similar cat.jpg photos/ --model my-features/ --top-k 5",
    "sparkvision similar cat.jpg embeddings.parquet --model my-features/",
)
def similar(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="the image to compare with")],
    among: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|FILE", help="images, also in sub-folders, or a .parquet file that `embed` wrote"
        ),
    ],
    model: FeatureModel,
    top_k: Annotated[int, typer.Option(min=1, metavar="N", help="images to list, the most similar first")] = 10,
    pooling: Pooling = "cls",
    conf: Conf = None,
) -> None:
    """List the images that are most similar to one image.

    Similarity is the cosine of the angle between embeddings: 1 for the same direction. All images are compared.
    For FILE, the model and the pooling must be those that `embed` was given.
    """
    from sparkvision.local import LocalModel

    if not image.is_file():
        raise ParameterError(f"{image}: there is no such file; give an image to compare with")
    if not among.exists():
        raise ParameterError(
            f"{among}: there is no such folder or file; give a folder of images, or what `embed` wrote"
        )
    settings = SparkSettings.of(None, conf, default="local[*]")
    if among.suffix == ".parquet":
        from sparkvision.cli.spark.session import spark_session

        # LocalModel runs in the session's JVM, so it is opened and closed inside the session.
        with spark_session(settings) as spark, fetch(model, spark) as bundle:
            with LocalModel(bundle, pooling=pooling) as local:
                paths, embeddings = _read(spark, among, local, pooling)
                query = local.embed(image)[0]
    else:
        with local_bundle(model, settings) as bundle, LocalModel(bundle, pooling=pooling) as local:
            query = local.embed(image)[0]
            paths, embeddings = _embed(local, among)
    if not paths:
        raise ParameterError(f"{among} holds no usable image to compare with; give others")
    for score, path in most_similar(query, paths, embeddings, top_k):
        print(f"{score:.4f}  {path}")


def most_similar(query: Floats, paths: list[str], embeddings: Floats, top_k: int) -> list[tuple[float, str]]:
    """Return the cosines and paths of the embeddings that are closest to a query, best first.

    Parameters
    ----------
    query : ndarray of float32, [size]
        The embedding to compare with.
    paths : list of str
        The names of the embeddings.
    embeddings : ndarray of float32, [n, size]
        The embeddings.
    top_k : int
        The number of results, at most.
    """
    import numpy as np

    lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(query)
    # An embedding of zeros has no direction; its cosine is taken to be 0.
    cosines = np.divide(embeddings @ query, lengths, out=np.zeros(len(embeddings), np.float32), where=lengths > 0)
    best = np.argsort(-cosines, kind="stable")[:top_k]
    return [(float(cosines[index]), paths[index]) for index in best]


def _embed(local: LocalModel, folder: Path) -> tuple[list[str], Floats]:
    import numpy as np

    from sparkvision._image_folder import image_files
    from sparkvision.cli.progress import batches_with_progress

    files = image_files(folder)
    # Closed at an interrupt too, so that the bar disappears before the message of the interrupt.
    with closing(batches_with_progress(files, _IMAGES_PER_STEP, "embedding")) as batches:
        found = np.concatenate([local.embed(batch, on_error="null") for batch in batches])
    usable = ~np.isnan(found).any(axis=1)
    return [str(file) for file, is_usable in zip(files, usable, strict=True) if is_usable], found[usable]


def _read(spark: SparkSession, file: Path, local: LocalModel, pooling: str) -> tuple[list[str], Floats]:
    import numpy as np
    from pyspark.errors import PySparkException

    try:
        table = spark.read.parquet(f"file://{file.absolute()}")
        facts = table.schema["embedding"].metadata
        rows = table.where("embedding IS NOT NULL").select("path", "embedding").collect()
    except (PySparkException, KeyError) as error:
        raise ParameterError(
            f"{file} holds no embeddings; make it with `sparkvision embed FOLDER --out {file}`"
        ) from error
    if (facts.get(MODEL), facts.get(POOLING)) != (local.bundle_hash, pooling):
        raise ParameterError(
            f"{file} was made with another model than --model, or with another pooling ({facts.get(POOLING)}) than "
            f"--pooling {pooling}: give the same, or embed the images again"
        )
    return [row.path for row in rows], np.array([row.embedding for row in rows], dtype=np.float32)
