"""What a model is: architecture, weights, bundle, and the engines that run it. NumPy and standard library only."""

__version__ = "1.0.0"
