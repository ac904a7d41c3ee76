-- Keys of records of {table}, in their order, as the table has them; null if one is not of its types.
SELECT CASE WHEN {is_valid} THEN ARRAY['{table}', {texts}] END AS record_key
FROM unnest({arrays}) WITH ORDINALITY AS sent ({names}, place)
ORDER BY sent.place
