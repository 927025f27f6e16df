"""Choose how a stream of posteriors becomes labels: by what a person notices, on people the model was trained on."""
