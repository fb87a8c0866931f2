"""Eye contact, forward lean and facial mirroring, minute by minute, from recorded practice sessions."""

__version__ = "0.1.0"
