"""Bodies for the CPU."""
