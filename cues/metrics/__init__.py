"""From the observations table to cues: eye contact, forward lean, mirroring; episodes, minutes, quality.

Nothing in here ever sees a video, and nothing in here takes longer than a second for an hour of two people.
"""
