"""Operations of the platform: problem detection, alerts and housekeeping."""
