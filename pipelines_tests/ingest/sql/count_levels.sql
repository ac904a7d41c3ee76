SELECT count(*) FROM stage_levels
