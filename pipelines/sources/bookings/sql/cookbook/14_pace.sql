-- How does a week fill up, beside the same week last year?
--
-- Each row has the nights on the books that many days before arrival, this year and 52 weeks earlier. A value is null until
-- every night of the range is that close, so query ranges of a week, and for days before the hotel's first event.
-- `metrics.hotels_same_time_last_year` compares any range of nights as it stands now, hotel by hotel.
--
-- hotel: 2607
-- from_night: 2026-11-03 | today
-- to_night: 2026-11-10 | today + 7
-- as_of: 2026-11-02 12:00+00 | now
SELECT days_before_arrival, on_the_books, on_the_books_last_year, why_missing
FROM metrics.hotel_pace(%(hotel)s, %(from_night)s, %(to_night)s, %(as_of)s)
WHERE days_before_arrival IN (90, 60, 30, 14, 7, 0);
