REGEXP_EXTRACT_ALL(REGEXP_REPLACE({{ text }}, r'%40', '@'), r'[^\s?&=#/;,<>()"]{{ length }}')
