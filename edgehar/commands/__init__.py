"""The sub-commands of `har`, one module each. The only rooms that may use both the pipeline and the bridge."""
