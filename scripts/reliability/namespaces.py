"""Network namespaces that stand for separate hosts, each with an address on one bridge (Linux, root, iproute2)."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

BRIDGE = "sparkvision0"
SUBNET = "10.83.0"


@dataclass(frozen=True)
class Host:
    """A namespace with its address; a command run in it sees no other network."""

    name: str
    address: str

    def command(self, *words: str) -> list[str]:
        """Give the command line that runs ``words`` in this namespace."""
        return ["ip", "netns", "exec", self.name, *words]


def bridge_address() -> str:
    """Give the address under which the namespaces reach this machine."""
    return f"{SUBNET}.1"


def add_hosts(count: int) -> list[Host]:
    """Make the bridge and, behind it, the namespaces.

    Raises
    ------
    subprocess.CalledProcessError
        When this process may not (it needs root), or they exist already.
    """
    _ip("link", "add", BRIDGE, "type", "bridge")
    # From here on they are this call's own, and are not left behind half made.
    try:
        _ip("address", "add", f"{bridge_address()}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        return [_add_host(number) for number in range(1, count + 1)]
    except BaseException:
        remove_hosts([_name(number) for number in range(1, count + 1)])
        raise


def remove_hosts(names: list[str]) -> None:
    """Remove the namespaces and the bridge; what is gone already is of no matter."""
    for name in names:
        # The link goes by itself only with the last process of the namespace, and the next cluster may be quicker.
        subprocess.run(["ip", "link", "delete", _outside(name)], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
    subprocess.run(["ip", "link", "delete", BRIDGE], check=False, capture_output=True)


def _name(number: int) -> str:
    return f"sparkvision-{number}"


def _outside(name: str) -> str:
    """Name the end of a namespace's link that is at the bridge."""
    return name.replace("-", "")


def _add_host(number: int) -> Host:
    host = Host(_name(number), f"{SUBNET}.{number + 1}")
    outside, inside = _outside(host.name), "eth0"
    _ip("netns", "add", host.name)
    _ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", host.name)
    _ip("link", "set", outside, "master", BRIDGE, "up")
    _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", inside)
    _ip("-n", host.name, "link", "set", inside, "up")
    _ip("-n", host.name, "link", "set", "lo", "up")
    return host


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
