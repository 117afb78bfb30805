"""The page of similar images and groups of duplicates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkvision.errors import ParameterError
from sparkvision.report.similarity import write_similarity_report

SCHEMA = (
    "path string, content binary, similar array<struct<id:string, score:float>>, group string, "
    "representative boolean, shows string"
)


@pytest.fixture
def table(spark: SparkSession, digits: list[Path]) -> DataFrame:
    """Five images: three are one group, one has an id that is no harmless text, one cannot be read."""
    first, second, third, odd, broken = "a", "b", "c", "<b>d", "e"
    content = [file.read_bytes() for file in digits[:4]]
    rows = [
        (first, content[0], [(first, 1.0), (third, 0.9), (second, 0.5)], first, True, "zero"),
        (second, content[1], [(second, 1.0)], first, False, None),
        (third, content[2], [], first, False, None),
        (odd, content[3], [(odd, 1.0), (broken, 0.25)], odd, True, "<i>four"),
        (broken, b"broken", None, broken, True, None),
    ]
    return spark.createDataFrame(rows, SCHEMA)


def written(table: DataFrame, folder: Path, **options: Any) -> str:
    page = write_similarity_report(table, folder / "new" / "page.html", image="content", **options)
    return page.read_text(encoding="utf-8")


def names(gallery: str) -> list[str]:
    return re.findall(r'class="name" title="([^"]*)"', gallery)


def test_an_image_stands_before_its_nearest_ones_and_not_among_them(table: DataFrame, tmp_path: Path) -> None:
    page = written(table, tmp_path, similar="similar")
    rows = {tuple(names(row)) for row in re.findall(r'<ol class="gallery">.*?</ol>', page, re.S)}
    assert ("a", "c", "b") in rows
    assert "0.900" in page and "Groups of duplicates" not in page


def test_groups_of_several_are_shown_with_their_representative_first(table: DataFrame, tmp_path: Path) -> None:
    page = written(table, tmp_path, group="group", representative="representative")
    assert names(page) == ["a", "b", "c"]
    assert "a: 3 images" in page and page.count("<strong>representative</strong>") == 1


def test_an_image_that_cannot_be_read_is_named(table: DataFrame, tmp_path: Path) -> None:
    page = written(table.where("path != 'a'"), tmp_path, similar="similar")
    assert page.count("no image") == 1 and page.count("data:image/jpeg") >= 1


def test_ids_and_captions_are_text_and_no_elements(table: DataFrame, tmp_path: Path) -> None:
    page = written(table, tmp_path, similar="similar", caption="shows")
    assert "&lt;b&gt;d" in page and "&lt;i&gt;four" in page
    assert "<b>" not in page and "<i>" not in page


def test_names_with_dots_and_spaces_are_columns_and_rows_without_an_id_are_not_shown(
    spark: SparkSession, table: DataFrame, tmp_path: Path
) -> None:
    nameless = spark.createDataFrame([(None, b"", [("a", 0.9)], "a", False, "nothing")], SCHEMA)
    odd = {name: f"my.{name} column" for name in table.columns}
    every = table.union(nameless).withColumnsRenamed(odd)
    options: dict[str, Any] = {name: odd[name] for name in ("similar", "group", "representative")}
    page = write_similarity_report(
        every, tmp_path / "odd.html", image=odd["content"], id=odd["path"], caption=odd["shows"], **options
    ).read_text()
    assert names(page)[-3:] == ["a", "b", "c"] and "a: 3 images" in page and "zero" in page


def test_a_page_that_cannot_be_written_is_refused_before_the_query(table: DataFrame, tmp_path: Path) -> None:
    (tmp_path / "afile").touch()
    unusable = table.withColumn("content", F.raise_error(F.lit("the query ran")).cast("binary"))
    with pytest.raises(ParameterError, match="page.html cannot be written"):
        write_similarity_report(unusable, tmp_path / "afile" / "page.html", image="content", similar="similar")


def test_a_column_that_is_not_there_is_refused_by_name(table: DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="similar='nearest': no such column; there are path, content"):
        written(table, tmp_path, similar="nearest")
    with pytest.raises(ParameterError, match="give similar, group, or both"):
        written(table, tmp_path)
