-- Keys of records of {table}, in their order, as the table has them; null if one is not of its types.
SELECT CASE WHEN {is_valid} THEN ARRAY['{table}', {texts}] END AS record_key
FROM jsonb_array_elements(CAST(:sent AS jsonb)) WITH ORDINALITY AS sent (key, place)
ORDER BY sent.place
