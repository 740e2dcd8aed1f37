"""Map the repository's top-level folders into one import package.

The folders sit side by side at the top (`layers/`, `optim/`, ...) and are installed below `specframe`
(`specframe.layers`, `specframe.optim`, ...), so nothing named `data` or `layers` lands in site-packages.
Everything else about the package is in pyproject.toml.
"""

from setuptools import setup

INSIDE = ["backend", "fast", "fast.cpu", "fast.cuda", "memory", "ops", "saving"]  # folders of specframe/
BESIDE = ["layers", "models", "optim", "data", "training", "exercises"]  # folders next to it
BELOW = ["training.parallel", "exercises.checks"]  # folders of those

setup(
    packages=["specframe", *(f"specframe.{name}" for name in [*INSIDE, *BESIDE, *BELOW])],
    package_dir={"specframe": "specframe"} | {f"specframe.{name}": name for name in BESIDE},
    package_data={
        "specframe": ["py.typed"],
        "specframe.data": ["*.npz", "*.md"],
        "specframe.models": ["pretrained/*.npz"],
        "specframe.exercises": ["tasks/*.py", "solutions/*.py"],
    },
    # An editable install is a folder of links: type checkers find its sub-packages; an import hook they cannot read.
    options={"editable_wheel": {"mode": "strict"}},
)
