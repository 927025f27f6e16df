"""Somebody else's trained model -> an architecture and its weights, as data: nothing of a file is ever executed.

::

    source       which kind of file it is, and what to say to those that cannot be read
    hdf5         the arrays and names of an HDF5 file, read in a process of its own
    keras_file   .keras and .h5 -> a configuration (JSON) and weights
    keras_chain  a configuration -> its layers in order
    keras_masks  operations that compute masks, which the layers make anyway, taken away
    keras_inputs several inputs -> one window, in which their features stand side by side
    keras_layers the layers of Keras -> ours, or a refusal by the layer's name and option
    keras_memory a Keras model in memory -> the same configuration and weights
    onnx_file    an ONNX file -> its nodes and constants; onnx_layers, onnx_recurrent -> our layers; onnx_model -> both
    folding      affine maps, and layers that select features, into a neighbour
    comparison   what the source framework makes of the same inputs
    bundling     all of it -> a bundle
"""

from edgehar.pipeline.importers.bundling import import_model
from edgehar.pipeline.importers.keras_inputs import kept_inputs, one_window
from edgehar.pipeline.importers.model import Comparison, ForeignModel

__all__ = ["Comparison", "ForeignModel", "import_model", "kept_inputs", "one_window"]
