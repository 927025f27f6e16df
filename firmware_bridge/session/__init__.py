"""What live classification and recording share: finding out what a device speaks, and the loop that reads it."""
