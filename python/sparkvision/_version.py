"""The version of the installed package."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("sparkvision")
except PackageNotFoundError:  # the distribution sparkvision-client: the same source without the jars
    VERSION = version("sparkvision-client")
