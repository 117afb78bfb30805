"""The images of docs/images: the report of the embedded model's predictions in Chromium, and the command line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser import chromium  # noqa: E402

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
BUNDLE = "jvm/engine/src/main/resources/sparkvision/models/digits"
COMMANDS = {"help": "sparkvision --help", "inspect": f"sparkvision inspect {BUNDLE}"}
COLUMNS = 100


def main() -> None:
    """Make all of them."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        report = write_report(folder)
        with chromium.headless(folder / "profile") as driver:
            show_report(driver, report)
            for name, command in COMMANDS.items():
                show_command(driver, command, folder / "command.html", f"cli-{name}.png")


def write_report(folder: Path) -> Path:
    """Label held-out digits, and a few files that are damaged."""
    import sparkvision
    from sparkvision.ml import ViTForImageClassification
    from sparkvision.report import write_report

    spark = sparkvision.start(master="local[2]")
    spark.sparkContext.setLogLevel("ERROR")
    fixtures = ROOT / "tests" / "fixtures"
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    images = files.load([str(fixtures / "corrupt"), str(fixtures / "digits")])
    vit = ViTForImageClassification.pretrained().setInputCols(["content"]).setOutputCol("class")
    predictions = vit.setErrorCol("error").setTopK(3).transform(images)
    file = write_report(predictions, folder / "report.html", folders_are_labels=True, title="Handwritten digits")
    spark.stop()
    return file


def show_report(driver: Chrome, report: Path) -> None:
    """Gallery and charts on a desktop, and the gallery on a telephone."""
    driver.get(report.as_uri())
    chromium.resize(driver, 1280, 960)
    driver.execute_script("document.getElementById('filters').elements.sort.value = 'worst'; applyFilters()")
    save(driver, "report.png")
    driver.execute_script("document.getElementById('sections').scrollIntoView()")
    save(driver, "report-charts.png")
    chromium.resize(driver, 360, 720)
    driver.execute_script("document.getElementById('filters').elements.show.value = 'wrong'; applyFilters()")
    driver.execute_script("document.getElementById('found').scrollIntoView()")
    save(driver, "report-phone.png")


def show_command(driver: Chrome, command: str, page: Path, name: str) -> None:
    """Run a command, and show what a terminal would."""
    from rich.console import Console
    from rich.text import Text

    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    arguments = [sys.executable, "-m", "sparkvision.cli", *shlex.split(command)[1:]]
    done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(Text(f"$ {command}\n", style="bold"), Text.from_ansi(done.stdout), sep="")
    style = "<style>body { margin: 24px; background: #fff } pre { font-size: 14px; line-height: 1.35 }</style>"
    page.write_text(style + console.export_html(inline_styles=True), encoding="utf-8")
    driver.get(page.as_uri())
    chromium.resize(driver, 960, 200)
    chromium.resize(driver, 960, driver.execute_script("return document.documentElement.scrollHeight"))
    save(driver, name)


def save(driver: Chrome, name: str) -> None:
    """Write what the browser shows in 256 colours, which keeps the files small."""
    from PIL import Image

    shot = Image.open(BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    shot.quantize(256).save(IMAGES / name, optimize=True)
    print(f"docs/images/{name}: {(IMAGES / name).stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
