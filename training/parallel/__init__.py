"""Several processes, ranks, that train one net together: what they ask of each other, and how they begin and end."""
