"""Checks of the documents: links, commands, variables, names, generated pages, examples."""
