"""The command `isobar`: one module for each group of commands."""
