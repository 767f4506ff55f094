"""Records to figures, one self-contained page, one table and one machine-readable answer.

matplotlib and jinja2 are imported by the functions that need them, never by importing this room.
"""
