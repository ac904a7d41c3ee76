"""The examples, executed as their readers would."""
