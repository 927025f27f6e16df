"""Live classification: from sample blocks to labels, and where the labels go."""
