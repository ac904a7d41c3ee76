"""What writes the pages and pictures in this folder: `make docs` and `make screenshots`."""
