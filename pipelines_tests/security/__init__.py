"""What hostile sources, files, viewers and analysts try; `docs/security.md` names each test."""
