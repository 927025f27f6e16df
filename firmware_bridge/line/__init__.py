"""Bytes from and to a device: serial ports, TCP, pseudo-terminals; identity, reconnection, the reading thread."""
