"""The web UI as a person sees it: a real Chromium in front of a real `isobar ui`.

They need a Chromium or Chrome, which is not among the locked requirements; on Debian
`apt install chromium`. Then `make test ARGS="-k browser"` runs them, in some three minutes.
Without one they are skipped and say so; where the variable CI is `true`, they fail.
"""
