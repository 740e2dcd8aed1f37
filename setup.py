"""Map the repository's top-level folders into one import package.

The folders sit side by side at the top (`layers/`, `optim/`, ...) and are installed below `specframe`
(`specframe.layers`, `specframe.optim`, ...), so nothing named `data` or `layers` lands in site-packages.
Everything else about the package is in pyproject.toml.
"""

from setuptools import setup

SUB_PACKAGES = ["layers", "models", "optim", "data", "training"]

setup(
    packages=["specframe", "specframe.ops", "specframe.storage"] + [f"specframe.{name}" for name in SUB_PACKAGES],
    package_dir={"specframe": "specframe"} | {f"specframe.{name}": name for name in SUB_PACKAGES},
    package_data={"specframe": ["py.typed"], "specframe.data": ["*.npz", "*.md"]},
)
