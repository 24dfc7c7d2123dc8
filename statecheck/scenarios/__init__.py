"""The bundled scenarios, and `statecheck run`, which diagnoses them and compares."""
