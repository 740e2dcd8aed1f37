"""Bodies of ops that were written for speed, by device; each is tested equal to the op's own."""
