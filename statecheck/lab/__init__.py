"""What runs outside the target: prepares places, sends turns, injects faults. Processes never outlive the run."""
