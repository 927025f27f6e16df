"""Train a Keras model from an architecture, in separately switchable pieces."""
