"""Recordings, where they come from, how they are kept, and the windows and splits that are cut from them."""
