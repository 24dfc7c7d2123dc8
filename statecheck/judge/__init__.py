"""From histories to a diagnosis: checks, evidence, causes and the verdict. Pure: no process, clock or file."""
