"""One module per data set or file format, each turning files into recordings."""
