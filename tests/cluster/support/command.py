"""The command `scripts/cluster`: a cluster that runs until it is stopped.

Usage: scripts/cluster start [--workers 2] [--cores 1] [--memory 1g]
       scripts/cluster submit [spark-submit's options] APPLICATION [ARGUMENT...]
       scripts/cluster stop

The logs and the folders of the workers lie in build/cluster.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

from tests.cluster.support.cluster import SAVED, Cluster, ClusterError  # noqa: E402

FOLDER = ROOT / "build" / "cluster"


def main(arguments: Sequence[str]) -> int:
    """Run the command line; 1 after a refusal, else the application's own status."""
    parser = argparse.ArgumentParser(prog="scripts/cluster", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="start a master and workers")
    start.add_argument("--workers", type=int, default=2)
    start.add_argument("--cores", type=int, default=1, help="of each worker")
    start.add_argument("--memory", default="1g", help="of each worker")
    submit = commands.add_parser("submit", help="run an application, as spark-submit does")
    submit.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("stop", help="end all processes of the cluster")
    options = parser.parse_args(arguments)
    try:
        if options.command == "start":
            if (FOLDER / SAVED).exists():
                raise ClusterError("A cluster runs already: stop it with `scripts/cluster stop`.")
            cluster = Cluster.start(FOLDER, options.workers, options.cores, options.memory)
            cluster.save()
            print(f"{cluster.url}, {options.workers} workers; logs and folders in {cluster.folder}")
        elif options.command == "submit":
            return Cluster.load(FOLDER).submit(options.arguments).wait()
        else:
            Cluster.load(FOLDER).stop()
            (FOLDER / SAVED).unlink()
    except (ClusterError, OSError) as error:
        print(f"scripts/cluster: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
