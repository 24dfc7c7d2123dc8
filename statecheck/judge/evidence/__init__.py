"""What the causes go by: the case of a run, and where a marker went."""
