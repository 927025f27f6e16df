"""`har report`: one page about one bundle."""
