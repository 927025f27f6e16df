"""What ``import edgehar`` offers, one module per noun; it composes the pipeline and the bridge, as the commands do.

``edgehar.__all__`` lists what is public. Nothing is imported here: each name is imported when it is first used.
"""
