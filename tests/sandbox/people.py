"""Personas for the sandbox's own tests."""

MAYA = 501
SAM = 502
