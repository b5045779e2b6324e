"""Drawn people with exact keypoints: clips for tests and the demo, pictures for training."""
