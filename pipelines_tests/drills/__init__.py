"""Kill what runs at the worst moment, run again, and compare with what would have been."""
