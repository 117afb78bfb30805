"""Spark for the commands: session, settings, checks before the start, and the files to read and write."""
