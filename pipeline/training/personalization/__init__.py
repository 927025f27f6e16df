"""A general model fitted to one person by a few minutes of that person's own movements.

Three steps, each kept as far as cross-validation over *takes* allows it (`stages`): the output layer, pulled to the
general one (`output_layer`); all weights, by the trainer in C (`fine_tuning`); and a quarter of the way back to the
general weights. What the recordings must be is in `wearer`, how takes are told apart in `takes`, the new bundle in
`making`.
"""
