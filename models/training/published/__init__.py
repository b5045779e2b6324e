"""Training as FSPose published it: epochs over an annotated set (FSPose specification 7)."""
