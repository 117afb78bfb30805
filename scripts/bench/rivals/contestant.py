"""The interface of a peer, and the process in which the peer runs.

The module of a peer defines a `Contestant` and ends with ``serve(ItsContestant)``. This module needs the standard
library only, because some peers have environments of their own.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

Run = Callable[[], object]


@dataclass(frozen=True)
class Setting:
    """The arguments of a peer's process.

    Attributes
    ----------
    bundle, checkpoint
        Folders of the model: as SparkVision exports it, and as transformers reads it.
    first_image
        The file that a cold start labels.
    slots
        Cores in all: Spark's task slots, or the threads of a single process.
    scratch
        A folder for what the peer writes.
    options
        The peer's own mode.
    """

    bundle: str
    checkpoint: str
    first_image: str
    slots: int
    scratch: str
    options: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write it for a command line."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Work:
    """The images of a round: the files of a folder in order, repeated up to ``count``."""

    folder: str
    count: int
    batch_size: int

    def images(self) -> list[bytes]:
        """Read the encoded images."""
        distinct = [file.read_bytes() for file in sorted(Path(self.folder).iterdir())[: self.count]]
        return list(islice(cycle(distinct), self.count))


class Contestant(Protocol):
    """A way to label images."""

    def __init__(self, setting: Setting) -> None:
        """Load the model, or raise an exception with the reason why it cannot run here."""

    def first_label(self, image: bytes) -> str:
        """Label one image: the end of a cold start."""

    def prepare(self, work: Work) -> Run:
        """Do what is not timed, and return the function that is timed."""


def class_number(label: str) -> str:
    """Return the number in a label: some peers answer with a class's name, "class 0007", and some with its id, "7"."""
    return str(int(label.rpartition(" ")[2]))


def serve(contestant_class: type[Contestant]) -> None:
    """Answer the requests of the benchmark until it closes the connection.

    The command line is the descriptor of the connection and a `Setting` in JSON.
    """
    connection = Connection(int(sys.argv[1]))
    try:
        setting = Setting(**json.loads(sys.argv[2]))
        contestant = contestant_class(setting)
        label = contestant.first_label(Path(setting.first_image).read_bytes())
        connection.send({"ready": class_number(label)})
        run: Run | None = None
        while True:
            request = connection.recv()
            if "prepare" in request:
                run = contestant.prepare(Work(**request["prepare"]))
                connection.send({"prepared": True})
            elif run is not None:
                began = time.perf_counter()
                run()
                connection.send({"seconds": time.perf_counter() - began})
    except EOFError:
        pass
    except Exception as error:
        traceback.print_exc()
        connection.send({"error": f"{type(error).__name__}: {error}".splitlines()[0]})
