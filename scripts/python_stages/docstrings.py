"""The docstrings of the Python stages: purpose and Params in Scala's words; columns and examples are written here."""

from __future__ import annotations

from textwrap import fill, indent
from typing import Any

from python_stages.manifest import in_reading_order, simple_name
from python_stages.mixins import Mixin

# Mixins of many Params that few users set: a stage's docstring names them in one sentence.
NAMED_TOGETHER = ("HasExecution", "HasPreprocessing")

# What a stage adds to a table, and an example, by the end of the stage's name. {name} is the whole name.
COLUMNS_AND_EXAMPLES = {
    "ImageAssembler": (
        """\
`transform` adds the column `outputCol`: an array with one image annotation, a struct of `annotatorType`, `origin`,
`height`, `width`, `nChannels`, `mode`, `result` (the bytes), `metadata` and `text`, as in Spark NLP.""",
        """\
>>> files = spark.read.format("binaryFile").load("photos/")
>>> images = {name}(inputCol="content", outputCol="image").transform(files)""",
    ),
    "ImageClassification": (
        """\
`transform` adds a column for each of these Params that is set. All of them come from one run of the model:

- `outputCol`: an array of annotations, the best label first. `result` is the label; `metadata` has its score and id.
- `predictionCol`: a double, the id of the best label, or the value of a regression.
- `probabilityCol`: an ML vector with the score of every label.
- `rawPredictionCol`: an ML vector with the logit of every label.
- `errorCol`: a string, the reason why an image has no result, else null.""",
        """\
>>> model = {name}.loadSavedModel("my-model/", spark, inputCols="image", outputCol="class", topK=3)
>>> model.transform(images).selectExpr("path", "class.result AS labels")""",
    ),
    "ZeroShotClassification": (
        """\
`transform` adds a column for each of these Params that is set. All of them come from one run of the model:

- `outputCol`: an array of annotations, the best label first. `result` is the label; `metadata` has its score and id.
- `predictionCol`: a double, the place of the best label in `candidateLabels`, from 0.
- `probabilityCol`: an ML vector with the score of every label.
- `rawPredictionCol`: an ML vector with the logit of every label.
- `errorCol`: a string, the reason why an image has no result, else null.""",
        """\
>>> model = {name}.loadSavedModel("my-clip/", spark, inputCols="image", outputCol="class")
>>> model.setCandidateLabels(["a cat", "a dog"]).transform(images).selectExpr("path", "class[0].result")""",
    ),
    "ImageEmbeddings": (
        """\
`transform` adds a column for each of these Params that is set:

- `embeddingsCol`: an ML vector, or null where an image has no result.
- `outputCol`: an array with one annotation, which has the same numbers in `embeddings`.
- `errorCol`: a string, the reason why an image has no result, else null.""",
        """\
>>> model = {name}.loadSavedModel("my-encoder/", spark, inputCols="image", embeddingsCol="features")
>>> model.transform(images).select("path", "features")""",
    ),
    "TextEmbeddings": (
        """\
`transform` adds a column for each of these Params that is set:

- `embeddingsCol`: an ML vector, or null where a text has no result.
- `errorCol`: a string, the reason why a text has no result, else null.""",
        """\
>>> model = {name}.loadSavedModel("my-clip/", spark, inputCol="query", embeddingsCol="features")
>>> model.transform(spark.createDataFrame([("a red car",)], "query string"))""",
    ),
    "ObjectDetection": (
        """\
`transform` adds a column for each of these Params that is set:

- `detectionsCol`: `array<struct<label, score, box:struct<xmin, ymin, xmax, ymax>>>`, the best object first; empty where
  there is none, null where an image has no result. Boxes are in pixels of the upright image.
- `outputCol`: the same objects as annotations. `result` is the label; `metadata` has the score and the box.
- `errorCol`: a string, the reason why an image has no result, else null.""",
        """\
>>> model = {name}.loadSavedModel("my-detector/", spark, inputCols="image", detectionsCol="objects")
>>> model.transform(images).selectExpr("path", "explode(objects) AS object").select("object.label", "object.box.*")""",
    ),
    "ImageCropper": (
        """\
`transform` adds the column `outputCol`: an array of image annotations, one for each detection. With `explode` each
detection has a row of its own, whose array holds one crop. The `metadata` of a crop has its label, score and box.
`errorCol`, if set, is the reason why an image, or one of its boxes, has no crop.""",
        """\
>>> cropper = {name}(inputCols=["image", "objects"], outputCol="crop", explode=True)
>>> cropper.transform(detected).select("path", "crop")""",
    ),
    "PerceptualHash": (
        """\
`transform` adds the column `hashCol`: a `bigint` with the 64 bits of the hash, null where an image cannot be used.
`errorCol`, if set, is the reason.""",
        """\
>>> hashes = {name}(inputCols="content", hashCol="hash").transform(files).select("path", "hash")""",
    ),
    "ImageDeduplicator": (
        """\
`transform` keeps every row, in any order, and adds two columns: `groupCol`, the id of the row that represents the row's
group, and `representativeCol`, whether the row is that one.""",
        """\
>>> grouped = {name}(idCol="path", hashCol="hash", maxHashDistance=4).transform(hashes)
>>> grouped.where("representative")""",
    ),
    "SimilarImages": (
        """\
`transform` adds the column `outputCol`: `array<struct<id:string, score:float>>`, the most similar image first. The
score is the cosine. `errorCol`, if set, is the reason why a row has no result.""",
        """\
>>> {name}.build(embedded, "hdfs:///indexes/catalogue", idCol="path", embeddingsCol="features")
>>> {name}(indexPath="hdfs:///indexes/catalogue", topK=5).transform(queries).select("path", "similar")""",
    ),
}


def docstring(stage: dict[str, Any], mixins: list[Mixin]) -> str:
    """Write a stage's docstring, indented, without the quotation marks.

    Parameters
    ----------
    stage : dict
        The stage, as the manifest describes it.
    mixins : list of Mixin
        Those that the stage extends.

    Returns
    -------
    str
        Its purpose, columns, Params and an example. A stage that extends another one refers to that for columns and
        Params.
    """
    name = simple_name(stage["className"])
    columns, example = _columns_and_example(name)
    example = "Examples\n--------\n" + example.replace("{name}", name)
    if "parent" in stage:
        parent = simple_name(stage["parent"])
        parts = [stage["doc"], f"Columns and Params are those of `{parent}`.", example]
    else:
        together = [mixin for mixin in mixins if mixin.name in NAMED_TOGETHER]
        left_out = {param["name"] for mixin in together for param in mixin.params}
        described = [param for param in in_reading_order(stage["params"]) if param["name"] not in left_out]
        parameters = "Parameters\n----------\n" + "\n".join(f"{p['name']}\n    {p['doc']}." for p in described)
        parts = [stage["doc"], columns, *map(_sentence, together), parameters, example]
    return indent("\n\n".join(parts), "    ").strip() + "\n    "


def _sentence(mixin: Mixin) -> str:
    names = ", ".join(f"`{param['name']}`" for param in mixin.params)
    sentence = f"Further keyword arguments, described at their setters, say {mixin.about}: {names}."
    return fill(sentence, width=116, break_on_hyphens=False)


def _columns_and_example(name: str) -> tuple[str, str]:
    endings = [ending for ending in COLUMNS_AND_EXAMPLES if name.endswith(ending)]
    if not endings:
        raise ValueError(f"{name} has no documentation of its columns: add it in {__name__}.")
    return COLUMNS_AND_EXAMPLES[max(endings, key=len)]
