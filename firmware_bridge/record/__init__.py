"""Labelled recordings from a sensor on a line: the capture file, the script for the wearer, the view."""
