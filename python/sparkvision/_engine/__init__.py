"""Calls of the engine in a JVM: the gateway to the JVM, and the values that cross it."""
