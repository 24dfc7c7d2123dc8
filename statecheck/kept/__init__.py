"""What is kept of a run: its folder, what is recorded beside the histories, and no secret."""

FOLDER = ".statecheck"
"""What is kept lies in this folder of the project."""
