"""Text lines of samples, as sketches print them. No I/O."""
