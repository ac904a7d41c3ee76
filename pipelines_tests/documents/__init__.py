"""What the documents say is so: links, commands, variables, names, made pages, examples."""
