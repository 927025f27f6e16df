"""Install the top folders under one importable name, ``edgehar``, whatever packages they hold."""

from setuptools import find_packages, setup

FOLDERS = {
    "edgehar": "edgehar",
    "edgehar.models": "models",
    "edgehar.pipeline": "pipeline",
    "edgehar.firmware_bridge": "firmware_bridge",
    "edgehar.reporting": "reporting",
}

setup(
    package_dir=FOLDERS,
    packages=[
        package
        for name, folder in FOLDERS.items()
        for package in [name, *(f"{name}.{inner}" for inner in find_packages(folder))]
    ],
)
