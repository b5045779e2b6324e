"""`fspose bench`: what every scheme costs on a clip, how quick it is, and what it keeps."""
