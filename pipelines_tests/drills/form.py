"""How much the drills do: `make drills` has the long form, CI the short one."""

import os

LONG = os.environ.get("ISOBAR_DRILLS") == "long"
