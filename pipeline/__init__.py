"""From recordings to a bundle. The only place where TensorFlow may be imported."""
