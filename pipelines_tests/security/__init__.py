"""Attacks by sources, files, viewers and analysts; `docs/security.md` names each test."""
