"""Spark sessions and what lives in them: jars, Spark Connect, and the base classes of the stages."""
