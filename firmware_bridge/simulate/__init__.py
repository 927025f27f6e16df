"""Virtual sensors that play recordings into a pseudo-terminal, with seeded faults."""
