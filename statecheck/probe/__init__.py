"""What runs inside the target's processes: warm parent, recorder, hooks, echo model, guard.

Standard library only, and only relative imports: the target's own interpreter loads this folder as the package
`statecheck_probe`, in an environment where statecheck is not installed.
"""
