"""The command `sparkvision similar`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from sparkvision.cli.command import command
from sparkvision.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pyspark.sql import SparkSession

    from sparkvision.local import LocalModel

    Floats = NDArray[np.float32]

# Pictures embedded between two steps of the progress bar.
_PICTURES_A_STEP = 16


@command(
    "similar",
    "sparkvision similar cat.jpg photos/ --model my-features/ --top-k 5",
    "sparkvision similar cat.jpg embeddings.parquet --model my-features/",
)
def similar(
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="the picture to compare with")],
    among: Annotated[
        Path,
        typer.Argument(metavar="FOLDER|FILE", help="pictures, also in sub-folders, or what `embed` wrote as .parquet"),
    ],
    model: Annotated[
        str,
        typer.Option(
            metavar="BUNDLE", help="folder of a bundle for feature-extraction; for FILE the one it was made with"
        ),
    ],
    top_k: Annotated[int, typer.Option(min=1, metavar="N", help="pictures to name, the most similar first")] = 10,
    pooling: Annotated[
        Literal["cls", "mean", "pooler"],
        typer.Option(help="how hidden states become one embedding; for FILE as for `embed`"),
    ] = "cls",
) -> None:
    """Name the pictures that are most similar to one.

    Similar is the cosine of the embeddings' angle: 1 for the same direction. All are compared.
    """
    from sparkvision.local import LocalModel

    if not picture.is_file():
        raise ParameterError(f"{picture}: there is no such file; give an image to compare with")
    if not among.exists():
        raise ParameterError(
            f"{among}: there is no such folder or file; give a folder of images, or what `embed` wrote"
        )
    if among.suffix == ".parquet":
        from sparkvision.cli.spark_session import spark_session
        from sparkvision.cli.spark_settings import SparkSettings

        # The model runs in the session's JVM, so it is opened and used inside.
        with spark_session(SparkSettings.of("local[*]", None)) as spark, LocalModel(model, pooling=pooling) as local:
            paths, embeddings = _read(spark, among, local, pooling)
            query = local.embed(picture)[0]
    else:
        with LocalModel(model, pooling=pooling) as local:
            query = local.embed(picture)[0]
            paths, embeddings = _embed(local, among)
    if not paths:
        raise ParameterError(f"{among} holds no usable picture to compare with; give others")
    for score, path in most_similar(query, paths, embeddings, top_k):
        print(f"{score:.4f}  {path}")


def most_similar(query: Floats, paths: list[str], embeddings: Floats, top_k: int) -> list[tuple[float, str]]:
    """Give the cosines and paths of the embeddings that are closest to a query, best first.

    Parameters
    ----------
    query : ndarray of float32, [size]
    paths : list of str
        The names of the embeddings.
    embeddings : ndarray of float32, [n, size]
    top_k : int
        How many to give, at most.
    """
    import numpy as np

    lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(query)
    # An embedding of zeros has no direction, and is like nothing.
    cosines = np.divide(embeddings @ query, lengths, out=np.zeros(len(embeddings), np.float32), where=lengths > 0)
    best = np.argsort(-cosines, kind="stable")[:top_k]
    return [(float(cosines[index]), paths[index]) for index in best]


def _embed(local: LocalModel, folder: Path) -> tuple[list[str], Floats]:
    import numpy as np
    from rich.console import Console
    from rich.progress import track

    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise ParameterError(
            f"{folder} is no folder with files in it; give a folder of pictures, or a .parquet of `embed`"
        )
    steps = range(0, len(files), _PICTURES_A_STEP)
    console = Console(stderr=True)
    hidden = len(steps) == 1 or not console.is_terminal
    bar = track(steps, "embedding", console=console, disable=hidden, transient=True)
    with closing(
        cast("Generator[int, None, None]", bar)
    ) as shown:  # an interrupt takes the bar away before it is told of
        found = np.concatenate([local.embed(files[at : at + _PICTURES_A_STEP], on_error="null") for at in shown])
    usable = ~np.isnan(found).any(axis=1)
    return [str(file) for file, is_usable in zip(files, usable, strict=True) if is_usable], found[usable]


def _read(spark: SparkSession, file: Path, local: LocalModel, pooling: str) -> tuple[list[str], Floats]:
    import numpy as np
    from pyspark.errors import PySparkException

    from sparkvision.cli.embed import MODEL, POOLING

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
            f"--pooling {pooling}: give the same, or embed the pictures again"
        )
    return [row.path for row in rows], np.array([row.embedding for row in rows], dtype=np.float32)
