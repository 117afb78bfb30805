"""What becomes of processes that Ctrl-C, SIGTERM or their own end stops while Spark starts or a model runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sparkvision.cli.interruption import _descendants, _processes

pytestmark = pytest.mark.slow

# Alone on two cores a Spark needs some 8 s to start. Many run beside this.
PATIENCE = 120.0
# A JVM awaits its native runs for 8 s.
DEADLINE = 20.0


@pytest.fixture(scope="module")
def folder(photos: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many photos that a ViT-B has work for half a minute or more."""
    folder = tmp_path_factory.mktemp("photos")
    for copy in range(12):
        for photo in photos:
            shutil.copy(photo, folder / f"{copy}-{photo.name}")
    return folder


class Command:
    """A process in a working folder of its own, where a JVM that crashes leaves its report."""

    def __init__(self, folder: Path, *command: str) -> None:
        (folder / "tmp").mkdir(parents=True)
        self.folder = folder
        self.process = subprocess.Popen(
            # Who runs the tests in the background has SIGINT ignored, and so would this process.
            ["env", "--default-signal=INT", sys.executable, *command],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder / "tmp")},
            stdout=subprocess.DEVNULL,
            stderr=(folder / "stderr").open("w"),
        )

    def started(self) -> list[Path]:
        """The folders in /proc of what runs in this working folder, but the command itself."""
        return [Path("/proc", str(process)) for process in processes_in(self.folder) - {self.process.pid}]

    def wait_for(self, moment: str) -> None:
        """Wait until the command has begun to start Spark (start), started its JVM (jvm), or run its model (model)."""
        there: dict[str, Callable[[Path], bool]] = {
            "start": lambda process: "-version" not in (process / "cmdline").read_text(),  # the command looks for Java
            "jvm": lambda process: "org.apache.spark.deploy.SparkSubmit" in (process / "cmdline").read_text(),
            "model": lambda process: "onnxruntime" in (process / "maps").read_text(),
        }
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.process.poll() is None, self.stderr
            for process in self.started():
                try:
                    if there[moment](process):
                        return
                except OSError:  # it has ended
                    pass
            time.sleep(0.05)
        raise AssertionError(f"no {moment} within {PATIENCE} s: {self.stderr}")

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    @property
    def told(self) -> list[str]:
        """The lines on stderr, but the one that names the model before the work begins."""
        return [line for line in self.stderr.splitlines() if not line.startswith("model: ")]

    @property
    def left(self) -> list[str]:
        """The files in its folder, but what this test put there."""
        files = {str(file.relative_to(self.folder)) for file in self.folder.rglob("*")} - {"tmp", "stderr"}
        return sorted(file for file in files if not file.startswith("tmp/hsperfdata"))


def processes_in(folder: Path) -> set[int]:
    found = set()
    for process in _processes():
        try:
            if Path(f"/proc/{process}/cwd").readlink() == folder:
                found.add(process)
        except OSError:  # it has ended, or is another user's
            pass
    return found


def classify(folder: Path, model: Path, place: Path) -> Command:
    arguments = ["--model", str(model), "--out", "out.csv", "--report", "report.html", "--master", "local[2]"]
    return Command(place, "-m", "sparkvision.cli", "classify", str(folder), *arguments)


MOMENTS = [
    ("start", 0.0),
    ("start", 0.4),
    ("jvm", 0.0),
    ("jvm", 1.5),
    ("jvm", 4.0),
    ("model", 0.0),
    ("model", 0.5),
    ("model", 1.0),
    ("model", 2.0),
    ("model", 4.0),
]


def test_ctrl_c_ends_classify_in_order_whatever_it_does(folder: Path, bundles: dict[str, Path], tmp_path: Path) -> None:
    def interrupted(number: int) -> str:
        """Return what is wrong."""
        moment, later = MOMENTS[number]
        command = classify(folder, bundles["vit-base"], tmp_path / str(number))
        command.wait_for(moment)
        time.sleep(later)
        command.process.send_signal(signal.SIGINT)
        if number % 2:
            time.sleep(0.1)
            command.process.send_signal(signal.SIGINT)  # an impatient user's
        code = command.process.wait(DEADLINE)
        told = (code, command.told, command.left, processes_in(command.folder))
        return "" if told == (130, ["sparkvision: interrupted"], [], set()) else f"{moment} + {later} s: {told}"

    with ThreadPoolExecutor(2) as pool:
        wrong = list(filter(None, pool.map(interrupted, range(len(MOMENTS)))))
    assert not wrong, "\n".join(wrong)


def test_sigterm_ends_classify_in_order(folder: Path, bundles: dict[str, Path], tmp_path: Path) -> None:
    command = classify(folder, bundles["vit-base"], tmp_path / "here")
    command.wait_for("model")
    command.process.terminate()
    assert command.process.wait(DEADLINE) == 143
    assert command.told == ["sparkvision: terminated"]
    assert not command.left and not processes_in(command.folder)


STREAM = """
import sys, time, sparkvision
from sparkvision.ml import ImageClassification
spark = sparkvision.start(master="local[2]", config={"spark.ui.enabled": "false", "spark.log.level": "OFF"})
stage = ImageClassification.loadSavedModel(sys.argv[1], spark).setInputCols(["content"]).setOutputCol("class")
schema = spark.read.format("binaryFile").load(sys.argv[2]).schema
images = spark.readStream.format("binaryFile").schema(schema).option("maxFilesPerTrigger", 40).load(sys.argv[2])
stage.transform(images).select("path", "class").writeStream.format("noop").start()
while "onnxruntime" not in open(f"/proc/{spark.sparkContext._gateway.proc.pid}/maps").read():
    time.sleep(0.1)
time.sleep(1)
"""


@pytest.mark.parametrize("ending", ["its last line", "Ctrl-C"])
def test_a_script_ends_in_order_while_a_stream_runs(
    folder: Path, bundles: dict[str, Path], tmp_path: Path, ending: str
) -> None:
    script = STREAM if ending == "its last line" else STREAM + "time.sleep(600)"
    command = Command(tmp_path / "here", "-c", script, str(bundles["vit-base"]), str(folder))
    if ending != "its last line":
        command.wait_for("model")
        time.sleep(1)
        command.process.send_signal(signal.SIGINT)
    command.process.wait(PATIENCE)
    end = time.monotonic() + DEADLINE
    while processes_in(command.folder) and time.monotonic() < end:  # the JVM follows its parent
        time.sleep(0.1)
    assert not processes_in(command.folder)
    assert not list(command.folder.glob("hs_err*"))


def test_a_command_that_was_started_with_ctrl_c_ignored_goes_on_ignoring_it() -> None:
    code = "from sparkvision.cli.interruption import run; import signal; run(lambda: print(signal.getsignal(2)))"
    command = ["env", "--ignore-signal=INT", sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == str(signal.SIG_IGN)


def test_the_descendants_are_found_over_generations() -> None:
    shell = subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
    assert shell.stdout is not None
    child = int(shell.stdout.readline())
    assert {shell.pid, child} <= _descendants()
    os.kill(child, signal.SIGTERM)
    shell.wait(10)
    assert not {shell.pid, child} & _descendants()
