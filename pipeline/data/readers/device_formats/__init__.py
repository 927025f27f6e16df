"""Binary formats of devices, one module each: a file in, blocks of samples in g with their time out."""
