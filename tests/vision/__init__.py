"""Tests of the vision part."""
