"""A device that runs the model itself, as an engine; and emulators of such devices."""
