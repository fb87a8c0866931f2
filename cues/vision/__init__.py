"""Pixels to observations: video, layout, people, landmarks, head pose, gaze."""
