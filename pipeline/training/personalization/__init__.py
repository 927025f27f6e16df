"""A general model fitted to one person by a few minutes of that person's own movements.

Three steps, each kept only if cross-validation over *takes* says that it helps (`stages`): the output layer, pulled to
the general one (`output_layer`); all weights, by the trainer in C (`fine_tuning`); and the way half back to the general
weights. What the recordings must be is in `wearer`, how takes are told apart in `takes`, the new bundle in `making`.
"""
