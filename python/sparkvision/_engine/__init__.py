"""The engine in a JVM of its own: the gateway to it, and the values that cross it."""
