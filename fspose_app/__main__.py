"""`python -m fspose_app`: the same as the command `fspose`."""

from fspose_app.cli import main

main(prog_name="fspose")
