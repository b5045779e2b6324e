"""Scores of predicted poses and tracks; `posetrack.evaluate` is the entry."""
