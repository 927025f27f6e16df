"""Every example in a docstring runs and gives what it says."""

import doctest
import importlib
import pkgutil

import pytest

import edgehar.api
import edgehar.commands
import edgehar.firmware_bridge
import edgehar.models
import edgehar.pipeline
import edgehar.reporting

_SKIPPED = {"edgehar.firmware_bridge.benchmark.worker"}
"""Programs, which redirect the process's output when they run."""


def _modules() -> list[str]:
    return [
        module.name
        for package in (
            edgehar.api,
            edgehar.commands,
            edgehar.firmware_bridge,
            edgehar.models,
            edgehar.pipeline,
            edgehar.reporting,
        )
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if module.name not in _SKIPPED
    ]


@pytest.mark.parametrize("name", _modules())
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module)
    assert failed == 0


def test_there_are_examples_to_run():
    finder = doctest.DocTestFinder()
    found = [test for name in _modules() for test in finder.find(importlib.import_module(name), name)]
    assert sum(len(test.examples) for test in found) > 20
