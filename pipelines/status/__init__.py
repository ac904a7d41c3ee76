"""`isobar status`: looks at every part (`of_…`), judges, shows; starts and changes nothing."""
