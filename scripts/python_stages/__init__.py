"""Writes the Python stages and their shared Params from Scala's ParamManifest, for scripts/gen_python.py."""
