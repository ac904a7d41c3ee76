"""`isobar status`: inspect every part, evaluate and report it. Starts and changes nothing."""
