"""`statecheck doctor`: what in an environment breaks or limits state."""
