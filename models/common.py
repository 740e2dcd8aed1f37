"""What several networks need: scaled channel counts, and settings that may differ from stage to stage."""


def scaled(channels, width):
    """`channels` times `width`, at least 1."""
    return max(1, round(channels * width))


def per_stage(name, value, count):
    """A list of `count` numbers from one number or from as many.

    Raises
    ------
    ValueError
        Another number of them.
    """
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name}: expected one number or {count}, got {len(value)}")
    return list(value)
