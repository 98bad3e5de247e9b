IF(
      -- few words have so many digits, and to take the others out of a word costs more than the rest
      REGEXP_CONTAINS({{ word }}, r'(?:[0-9][^0-9]*){{ fewest }}'),
      REGEXP_EXTRACT(
        REGEXP_REPLACE({{ word }}, r'%[0-9A-Fa-f]{2}|[^0-9]', ''), r'^(?:00)?([0-9]{{ fewest }})$'
      ),
      NULL
    )
