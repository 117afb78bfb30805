"""The command `scripts/cluster`: a cluster that goes on running until it is stopped.

Usage: scripts/cluster start [--workers 2] [--cores 1] [--memory 1g] [--namespaces]
       scripts/cluster submit [spark-submit's options] APPLICATION [ARGUMENT...]
       scripts/cluster stop

It lies in build/cluster, logs and each worker's folders too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "python")]

from reliability.cluster import SAVED, Cluster, ClusterError  # noqa: E402

FOLDER = ROOT / "build" / "cluster"


def main(arguments: Sequence[str]) -> int:
    """Run the command line; 1 after a refusal, else the application's own status."""
    parser = argparse.ArgumentParser(prog="scripts/cluster", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="start a master and workers")
    start.add_argument("--workers", type=int, default=2)
    start.add_argument("--cores", type=int, default=1, help="of each worker")
    start.add_argument("--memory", default="1g", help="of each worker")
    start.add_argument("--namespaces", action="store_true", help="a network namespace for each worker (root, iproute2)")
    submit = commands.add_parser("submit", help="run an application, as spark-submit does")
    submit.add_argument("arguments", nargs=argparse.REMAINDER)
    commands.add_parser("stop", help="end all processes of the cluster")
    options = parser.parse_args(arguments)
    try:
        if options.command == "start":
            if (FOLDER / SAVED).exists():
                raise ClusterError("A cluster runs already: stop it with `scripts/cluster stop`.")
            cluster = Cluster.start(
                FOLDER, options.workers, options.cores, options.memory, separate_hosts=options.namespaces
            )
            cluster.save()
            print(f"{cluster.url}, {options.workers} workers; logs and folders in {cluster.folder}")
        elif options.command == "submit":
            return Cluster.load(FOLDER).submit(options.arguments).wait()
        else:
            Cluster.load(FOLDER).stop()
            (FOLDER / SAVED).unlink()
    # Namespaces need root and the command `ip`.
    except (ClusterError, OSError, subprocess.CalledProcessError) as error:
        print(f"scripts/cluster: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
