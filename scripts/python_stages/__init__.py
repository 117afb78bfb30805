"""Writes the Python stages, their shared Params and docs/parameters.md, for scripts/gen_python.py."""
