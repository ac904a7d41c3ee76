"""Views that join a domain with what the others know: the interface of analysts.

`sql` holds one file a view, named as the view; `isobar migrate` applies them.
"""
