"""Judging the machine."""
