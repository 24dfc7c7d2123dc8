"""Throwaway servers for the services that a target names."""
