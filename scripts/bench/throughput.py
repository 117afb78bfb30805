"""Bare ONNX Runtime, all cores, tensors ready, against the Spark pipeline from JPEG bytes: the ratio of throughputs.

Both run the same model on the same pictures in one run of this command, in turn, after one round each that is not
counted. Prints the raw rows as JSON lines, then medians, the ratio, and the JVM's resident memory beside its bound.

Then what decoding, preprocessing and running took of the pipeline's time on its cores; the rest is Spark's and ours.

Usage: scripts/bench/throughput [--size vit-base|vit-tiny] [--pictures 128] [--rounds 3] [--batch-size 8] [--cores 2]
                                [--picture-size 500x375] [--decode-mode exact|fast] [--partitions N] [--require RATIO]

With --require it exits with 1 when the ratio is below RATIO, or the memory above its bound.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from PIL import Image
from pyspark.ml import Pipeline
from pyspark.sql import DataFrame, SparkSession

import sparkvision
from sparkvision.local import LocalModel
from sparkvision.ml import ImageAssembler, ViTForImageClassification

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from bench.rivals.models import model  # noqa: E402

PHOTOS = ROOT / "tests" / "fixtures" / "photos"
PICTURE_SIZE = (500, 375)
STEPS = ["decode", "preprocess", "run", "postprocess"]


def jpegs(count: int, size: tuple[int, int] = PICTURE_SIZE) -> list[bytes]:
    """Make JPEGs of a width and height from the real photos, no two alike: each is another crop."""
    photos = [Image.open(file).convert("RGB") for file in sorted(PHOTOS.iterdir())]
    random = np.random.default_rng(0)
    made = []
    for index in range(count):
        photo = photos[index % len(photos)]
        left, top = random.uniform(0, 0.2, 2) * photo.size
        crop = photo.resize(size, Image.Resampling.BICUBIC, box=(left, top, *photo.size))
        file = io.BytesIO()
        crop.save(file, "JPEG", quality=90)
        made.append(file.getvalue())
    return made


def bare(bundle: Path, tensors: np.ndarray, batch_size: int, cores: int) -> Callable[[], None]:
    """ONNX Runtime on all cores with nothing else to do."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    session = onnxruntime.InferenceSession(str(bundle / "model.onnx"), options, providers=["CPUExecutionProvider"])

    def run() -> None:
        for start in range(0, len(tensors), batch_size):
            session.run(None, {"pixel_values": tensors[start : start + batch_size]})

    return run


def pipeline(
    spark: SparkSession, bundle: Path, pictures: DataFrame, batch_size: int, decode_mode: Literal["exact", "fast"]
) -> Callable[[], None]:
    """Run the Pipeline from encoded bytes to labels."""
    vit = (
        ViTForImageClassification.loadSavedModel(str(bundle), spark)
        .setInputCols(["image"])
        .setOutputCol("class")
        .setBatchSize(batch_size)
        .setDecodeMode(decode_mode)
    )
    fitted = Pipeline(stages=[ImageAssembler(), vit]).fit(pictures)

    def run() -> None:
        fitted.transform(pictures).select("class.result").write.format("noop").mode("overwrite").save()

    return run


def runtime_version(spark: SparkSession) -> str:
    """Ask the JVM for its ONNX Runtime's version."""
    jvm = spark._jvm
    assert jvm is not None
    return str(jvm.ai.onnxruntime.OrtEnvironment.getEnvironment().getVersion())


def peak_resident_megabytes(spark: SparkSession) -> float:
    """Read the JVM's high-water mark of resident memory (Linux)."""
    jvm = spark._jvm
    assert jvm is not None
    pid = jvm.java.lang.ProcessHandle.current().pid()
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match is not None
    return int(match.group(1)) / 1024


def totals(spark: SparkSession) -> dict[str, float]:
    """Read what the pipeline has done so far: pictures, and seconds of a core by step."""
    row = sparkvision.metrics(spark).where("batches > 0").collect()[0].asDict()
    return {name: row[name] for name in ["images", *(f"{step}_seconds" for step in STEPS)]}


def parts(before: dict[str, float], after: dict[str, float], core_seconds: float) -> str:
    """Say what each step took a picture, and what the cores had time for."""
    pictures = after["images"] - before["images"]
    each = {step: (after[f"{step}_seconds"] - before[f"{step}_seconds"]) / pictures * 1e3 for step in STEPS}
    whole = core_seconds / pictures * 1e3
    said = ", ".join(f"{step} {milliseconds:.2f}" for step, milliseconds in each.items())
    return f"ms of a core a picture: {said}; in all {whole:.2f}, {whole / sum(each.values()):.3f} of their sum"


def width_and_height(text: str) -> tuple[int, int]:
    """Read 500x375."""
    width, height = map(int, text.split("x"))
    return width, height


def shortfalls(ratio: float, required: float, peak_megabytes: float, bound_megabytes: float) -> list[str]:
    """Say what does not hold: the ratio that is required, the bound of the memory."""
    missed = []
    if ratio < required:
        missed.append(f"the ratio {ratio:.3f} is below the required {required:g}")
    if peak_megabytes > bound_megabytes:
        missed.append(f"the JVM's {peak_megabytes:.0f} MB are above the bound of {bound_megabytes:.0f} MB")
    return missed


def main() -> int:
    """Measure and print; 1 when what is required does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", choices=["vit-base", "vit-small", "vit-tiny"], default="vit-base")
    parser.add_argument("--pictures", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--picture-size", type=width_and_height, default=PICTURE_SIZE, metavar="WIDTHxHEIGHT")
    parser.add_argument("--decode-mode", choices=["exact", "fast"], default="exact")
    parser.add_argument("--partitions", type=int, help="of the table (default: as many as cores)")
    parser.add_argument(
        "--require", type=float, metavar="RATIO", help="exit with 1 below this ratio, or above the bound"
    )
    options = parser.parse_args()

    bundle = model(options.size, "fp32").bundle
    encoded = jpegs(options.pictures, options.picture_size)
    # Before there is a session, so in a JVM of its own: the measured one's memory is the pipeline's alone.
    with LocalModel(bundle) as local:
        tensors = local.preprocess(encoded)
    spark = sparkvision.start(master=f"local[{options.cores}]")
    spark.sparkContext.setLogLevel("ERROR")
    # As many equal partitions as cores: the last wave of uneven ones is another question than throughput.
    table = spark.createDataFrame([(bytearray(b),) for b in encoded], "content binary")
    pictures = table.repartition(options.partitions or options.cores).cache()
    pictures.count()

    contestants = {
        "onnxruntime": bare(bundle, tensors, options.batch_size, options.cores),
        "sparkvision": pipeline(spark, bundle, pictures, options.batch_size, options.decode_mode),
    }
    rows: list[dict[str, Any]] = []
    for round_number in range(options.rounds + 1):
        for name, run in contestants.items():
            began = time.perf_counter()
            run()
            seconds = time.perf_counter() - began
            row = {"round": round_number, "counted": round_number > 0, "what": name, "seconds": round(seconds, 3)}
            rows.append(row | {"img_per_s": round(options.pictures / seconds, 3)})
            print(json.dumps(rows[-1]), flush=True)
        if round_number == 0:
            warm = totals(spark)

    median = {
        name: statistics.median(r["img_per_s"] for r in rows if r["what"] == name and r["counted"])
        for name in contestants
    }
    model_megabytes = (bundle / "model.onnx").stat().st_size / 2**20
    bound = model_megabytes * 2.5 + 1.5 * 1024
    print(f"onnxruntime {onnxruntime.__version__} alone, {runtime_version(spark)} in the JVM")
    width, height = options.picture_size
    print(f"{options.size}, {options.pictures} JPEGs of {width} x {height}, local[{options.cores}]")
    print(f"median img/s: onnxruntime alone {median['onnxruntime']:.2f}, SparkVision {median['sparkvision']:.2f}")
    ratio = median["sparkvision"] / median["onnxruntime"]
    print(f"ratio {ratio:.3f}")
    clock = sum(row["seconds"] for row in rows if row["what"] == "sparkvision" and row["counted"])
    print(parts(warm, totals(spark), options.cores * clock))
    peak = peak_resident_megabytes(spark)
    print(f"peak resident memory of the JVM {peak:.0f} MB; 2.5 x model + 1.5 GB is {bound:.0f} MB")
    spark.stop()
    if options.require is None:
        return 0
    missed = shortfalls(ratio, options.require, peak, bound)
    for reason in missed:
        print(f"NOT MET: {reason}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
