#!/usr/bin/env python3
"""Clean a catalogue: find the products on its pages, the ones similar to each, and the groups of duplicates.

    python examples/catalogue/run.py

makes a catalogue of altered photos, starts a Spark standalone cluster on this machine for as long as it takes, writes
everything below build/catalogue, a page to look at too, and prints how right the groups are. The threshold of
similarity is chosen on one half of the photos, and judged on the other.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from images import make_catalogue
from pipeline import add_similar, find_products, group_duplicates
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scoring import Truth, choose_threshold, score

import sparkvision
from sparkvision.report.similarity import write_similarity_report

ROOT = Path(__file__).resolve().parents[2]


def session(master: str) -> SparkSession:
    """Start a session; some hundred products need fewer partitions than Spark's 200."""
    config = {"spark.sql.shuffle.partitions": "4", "spark.ui.showConsoleProgress": "false"}
    return sparkvision.start(master=master, app_name="catalogue", config=config)


def clean(spark: SparkSession, folder: Path, truth: Truth) -> None:
    """Run the pipeline on the pages of a catalogue, and print the results."""
    find_products(spark, folder / "pages").write.mode("overwrite").parquet(str(folder / "products"))
    products = add_similar(spark.read.parquet(str(folder / "products")), folder / "index").cache()
    shown = {row["id"]: truth.shown(row["page"], row["box"]) for row in products.select("id", "page", "box").collect()}
    half = {row["id"]: truth.half(row["page"]) for row in products.select("id", "page").collect()}
    # A crop that shows no product is a source of its own.
    sources = {name: product.source if product else name for name, product in shown.items()}
    print(f"{len(shown)} products found of {truth.count}; {sum(p is None for p in shown.values())} are none")

    chosen_on = {name: source for name, source in sources.items() if half[name] == "choosing"}
    pairs = products.select("id", F.explode("similar").alias("found")).select("id", "found.id", "found.score").collect()
    known = [(a, b, similarity) for a, b, similarity in pairs if a in chosen_on and b in chosen_on]
    threshold = choose_threshold(known, chosen_on, truth.pairs("choosing"))
    print(f"threshold {threshold}, chosen on {len(chosen_on)} products")

    judged = [name for name in sources if half[name] == "judged"]
    groups = group_duplicates(products.where(F.col("id").isin(judged)), folder / "index", threshold).cache()
    compared = products.join(groups.select("id", "group", "representative"), "id", "left")
    report = write_page(compared, folder, {n: f"{p.source}, {p.alteration}" if p else "none" for n, p in shown.items()})
    found = {row["id"]: row["group"] for row in groups.select("id", "group").collect()}
    result = score(found, sources, truth.pairs("judged"))
    print(f"{len(found)} products in {len(set(found.values()))} groups; look at {report}")
    print(f"precision {result.precision:.3f} recall {result.recall:.3f}")


def write_page(products: DataFrame, folder: Path, captions: dict[str, str]) -> Path:
    """Write the report, with the true source below each crop."""
    rows = products.sparkSession.createDataFrame(list(captions.items()), ["id", "shows"])
    return write_similarity_report(
        products.join(rows, "id"),
        folder / "report.html",
        image="image",
        id="id",
        similar="similar",
        group="group",
        representative="representative",
        caption="shows",
        title="Catalogue: similar products and duplicates",
    )


def main() -> None:
    """Read the arguments and run the example."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--master", default="local[2]", help="Spark's master (default: local[2])")
    parser.add_argument("--photos", type=Path, help="a folder of your own photos, each of another object")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "catalogue", help="the folder for all results")
    options = parser.parse_args()
    truth = Truth.read(make_catalogue(options.folder, options.photos))
    spark = session(options.master)
    spark.sparkContext.setLogLevel("ERROR")
    clean(spark, options.folder, truth)
    spark.stop()


if __name__ == "__main__":
    main()
