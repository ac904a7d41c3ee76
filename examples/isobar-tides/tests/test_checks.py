"""The checks find what they are for."""

from isobar_tides import source

from pipelines.testing import drivers_of

(TIDES,) = drivers_of(source)


def test_a_jump_of_the_level_is_found(isobar_start):
    tides = isobar_start(TIDES)
    before, after = (
        {
            "stations": tides.record(1)["stations"],
            "readings": tides.record(1)["readings"] | {"read_at": hour, "level_cm": level},
        }
        for hour, level in (("2026-01-01T00:00:00Z", 100), ("2026-01-01T01:00:00Z", 401))
    )
    tides.deliver([before, after])
    (found,) = tides.rows_of_check("tides_steady_levels")
    assert (found["level_before_cm"], found["level_cm"]) == (100, 401)
