"""What a model is: its architecture, weights, bundle, and the engines that run it. NumPy and the standard library only."""

__version__ = "0.1.0"
