"""Packages and data files; everything else is in pyproject.toml."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[
        *find_namespace_packages("src", include=["tunebook", "tunebook.*", "hydra_plugins"]),
        "tunebook.conf",
        "recipes",
    ],
    package_dir={"": "src", "recipes": "recipes", "tunebook.conf": "conf"},
    package_data={
        "tunebook.conf": ["**/*.yaml"],
        "tunebook": [
            "py.typed",
            "models/embedded/*/*",
            "bench/shapes.yaml",
            "comparison/page/page.*",
            "data/village/*.yaml",
            "data/village/page.md",
            "pretraining/card.md",
            "pretraining/wordings.yaml",
        ],
    },
    include_package_data=False,
)
