"""From a bundle to firmware: the C engine, a model's tables and a board's own code as one buildable project."""
