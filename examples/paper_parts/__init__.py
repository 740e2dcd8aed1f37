"""What examples/paper.py is made of: how large runs are (scale), running them (runs), a file a figure, and the page."""
