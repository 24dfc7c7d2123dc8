"""What is kept of a run: its folder, what is recorded beside the histories, and no secret."""
