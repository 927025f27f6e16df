"""Architecture and weights -> artifact, one module per target format. Recurrent models need no TensorFlow here."""
