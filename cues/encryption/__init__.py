"""Encryption: in chunks, of files that leave the machine and of files that stay; the key of a library."""
