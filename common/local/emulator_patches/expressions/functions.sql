-- GoogleSQL functions that DuckDB lacks or understands differently, as macros.
-- typeof() is known when a query is planned, so a branch for another type costs nothing at run time;
-- but the plan pays for every node of it, at every call: text functions are cheaper than cases, and
-- a cast to text, the most usual, has a macro of its own for what is text already.
-- A fault is raised by a cast that fails: unlike error(), it may stand inside TRY.

CREATE OR REPLACE MACRO googlesql_divide(a, b) AS
  CASE WHEN b = 0 THEN CAST('division by zero: ' || CAST(a AS VARCHAR) || ' / ' || CAST(b AS VARCHAR) AS DOUBLE) ELSE a / b END;
CREATE OR REPLACE MACRO googlesql_safe_divide(a, b) AS CASE WHEN b <> 0 THEN a / b END;
CREATE OR REPLACE MACRO googlesql_div(a, b) AS
  CASE WHEN b = 0 THEN CAST('division by zero: DIV(' || CAST(a AS VARCHAR) || ', 0)' AS BIGINT) ELSE a // b END;
CREATE OR REPLACE MACRO googlesql_mod(a, b) AS
  CASE WHEN b = 0 THEN CAST('division by zero: MOD(' || CAST(a AS VARCHAR) || ', 0)' AS BIGINT) ELSE a % b END;
CREATE OR REPLACE MACRO googlesql_place(place, length) AS
  CASE WHEN place BETWEEN 1 AND length THEN place
    WHEN place IS NOT NULL AND length IS NOT NULL THEN CAST('Array index is out of bounds' AS BIGINT) END;
CREATE OR REPLACE MACRO googlesql_slice(list, first, last) AS
  CASE WHEN list IS NOT NULL AND first IS NOT NULL AND last IS NOT NULL THEN list_slice(
    list,
    1 + CASE WHEN first < 0 THEN greatest(len(list) + first, 0) ELSE first END,
    CASE WHEN last < 0 THEN greatest(len(list) + last + 1, 0) ELSE last + 1 END
  ) END;
CREATE OR REPLACE MACRO googlesql_safe_add(a, b) AS TRY(a + b);
CREATE OR REPLACE MACRO googlesql_safe_subtract(a, b) AS TRY(a - b);
CREATE OR REPLACE MACRO googlesql_safe_multiply(a, b) AS TRY(a * b);
CREATE OR REPLACE MACRO googlesql_safe_negate(a) AS TRY(-a);
-- Bits of a negative number move with its sign, which BigQuery fills with zeros.
CREATE OR REPLACE MACRO googlesql_shift_right(a, n) AS
  CASE WHEN a >= 0 OR n = 0 THEN a >> n ELSE (CAST(a AS BIGINT) >> n) & (9223372036854775807 >> (n - 1)) END;
CREATE OR REPLACE MACRO googlesql_sign(a) AS sign(a) + CASE WHEN FALSE THEN a ELSE 0 END;

-- Casts. https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_functions
CREATE OR REPLACE MACRO googlesql_float_text(x) AS
  CASE
    WHEN isnan(x) THEN 'NaN'
    WHEN x = trunc(x) AND abs(x) < 1e15 THEN CAST(CAST(x AS BIGINT) AS VARCHAR)
    WHEN CAST(format('{:.15g}', x) AS DOUBLE) = x THEN format('{:.15g}', x)
    ELSE format('{:.17g}', x)
  END;
-- Fractions of a second are written with no, three or six digits.
CREATE OR REPLACE MACRO googlesql_clock_text(x, separator) AS
  left(
    strftime(x, '%Y-%m-%d' || separator || '%H:%M:%S.%f'),
    CASE WHEN epoch_us(x) % 1000000 = 0 THEN -7 WHEN epoch_us(x) % 1000 = 0 THEN -3 ELSE 99 END
  );
-- A moment as the clock of UTC shows it; a cast would ask a calendar. It stands once wherever it is
-- used: each naming is bound anew with every statement.
CREATE OR REPLACE MACRO googlesql_moment_text(x, separator) AS
  googlesql_clock_text(make_timestamp(epoch_us(TRY_CAST(x AS TIMESTAMPTZ))), separator);
CREATE OR REPLACE MACRO googlesql_decimal_text(x) AS
  CASE WHEN contains(x, '.') THEN rtrim(rtrim(x, '0'), '.') ELSE x END;
CREATE OR REPLACE MACRO googlesql_string(x) AS
  CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN googlesql_float_text(TRY_CAST(x AS DOUBLE))
    WHEN starts_with(typeof(x), 'TIMESTAMP') THEN
      googlesql_moment_text(x, ' ') || CASE WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN '+00' ELSE '' END
    WHEN starts_with(typeof(x), 'DECIMAL') THEN googlesql_decimal_text(CAST(x AS VARCHAR))
    WHEN typeof(x) = 'BLOB' THEN decode(TRY_CAST(x AS BLOB))
    WHEN typeof(x) = 'JSON' THEN json_extract_string(to_json(x), '$')
    ELSE CAST(x AS VARCHAR)
  END;
-- Macros with types: only for what needs no aggregate or window to be known, else DuckDB does not see
-- the type in time. In a lambda no branch that is never taken is left out of the plan, so that what
-- GA4 keeps in event_params, texts and numbers, has forms of its own. A form for DOUBLE would take
-- what is NUMERIC too, and its digits.
CREATE OR REPLACE MACRO googlesql_text_of_date
  (x DATE) AS CAST(x AS VARCHAR),
  (x) AS googlesql_string(x);
CREATE OR REPLACE MACRO googlesql_text_of_integer
  (x BIGINT) AS CAST(x AS VARCHAR),
  (x) AS googlesql_text_of_date(x);
CREATE OR REPLACE MACRO googlesql_text
  (x VARCHAR) AS x,
  (x) AS googlesql_text_of_integer(x);
CREATE OR REPLACE MACRO googlesql_safe_text_of_integer
  (x BIGINT) AS CAST(x AS VARCHAR),
  (x) AS TRY(googlesql_string(x));
CREATE OR REPLACE MACRO googlesql_safe_text
  (x VARCHAR) AS x,
  (x) AS googlesql_safe_text_of_integer(x);
CREATE OR REPLACE MACRO googlesql_text_of_double
  (x DOUBLE) AS googlesql_float_text(x),
  (x) AS googlesql_text(x);
CREATE OR REPLACE MACRO googlesql_safe_text_of_double
  (x DOUBLE) AS googlesql_float_text(x),
  (x) AS googlesql_safe_text(x);
CREATE OR REPLACE MACRO googlesql_is_integer_text(x) AS regexp_full_match(x, '\s*[+-]?(\d+|0[xX][0-9a-fA-F]+)\s*');
CREATE OR REPLACE MACRO googlesql_integer_text(x) AS
  CASE
    WHEN regexp_full_match(x, '\s*[+-]?0[xX].*') THEN
      CASE WHEN contains(x, '-') THEN -1 ELSE 1 END * CAST(regexp_replace(trim(x), '^[+-]', '') AS BIGINT)
    ELSE CAST(x AS BIGINT)
  END;
CREATE OR REPLACE MACRO googlesql_int64(x) AS
  CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CAST(round(TRY_CAST(x AS DOUBLE)) AS BIGINT)
    WHEN typeof(x) = 'VARCHAR' THEN
      CASE
        WHEN googlesql_is_integer_text(CAST(x AS VARCHAR)) THEN googlesql_integer_text(CAST(x AS VARCHAR))
        WHEN x IS NOT NULL THEN CAST('Bad int64 value: ' || CAST(x AS VARCHAR) AS BIGINT)
      END
    ELSE CAST(x AS BIGINT)
  END;
CREATE OR REPLACE MACRO googlesql_safe_int64(x) AS
  CASE
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN TRY_CAST(round(TRY_CAST(x AS DOUBLE)) AS BIGINT)
    WHEN typeof(x) = 'VARCHAR' THEN
      CASE WHEN googlesql_is_integer_text(CAST(x AS VARCHAR)) THEN TRY(googlesql_integer_text(CAST(x AS VARCHAR))) END
    ELSE TRY_CAST(x AS BIGINT)
  END;
-- DuckDB reads 1_000 as a number and 'T' or 'yes' as true.
CREATE OR REPLACE MACRO googlesql_float64(x) AS
  CASE
    WHEN typeof(x) = 'VARCHAR' THEN CAST(replace(CAST(x AS VARCHAR), '_', '?') AS DOUBLE)
    ELSE CAST(x AS DOUBLE)
  END;
CREATE OR REPLACE MACRO googlesql_safe_float64(x) AS
  CASE
    WHEN typeof(x) = 'VARCHAR' THEN TRY_CAST(replace(CAST(x AS VARCHAR), '_', '?') AS DOUBLE)
    ELSE TRY_CAST(x AS DOUBLE)
  END;
CREATE OR REPLACE MACRO googlesql_safe_number_of_integer
  (x BIGINT) AS CAST(x AS DOUBLE),
  (x) AS TRY_CAST(x AS DOUBLE);
CREATE OR REPLACE MACRO googlesql_safe_number_of_text
  (x VARCHAR) AS TRY_CAST(replace(x, '_', '?') AS DOUBLE),
  (x) AS googlesql_safe_number_of_integer(x);
CREATE OR REPLACE MACRO googlesql_safe_number
  (x DOUBLE) AS x,
  (x) AS googlesql_safe_number_of_text(x);
CREATE OR REPLACE MACRO googlesql_bool(x) AS
  CASE
    WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '(?i)true|false')
      THEN CAST('Bad bool value: ' || CAST(x AS VARCHAR) AS BOOLEAN)
    ELSE CAST(x AS BOOLEAN)
  END;
CREATE OR REPLACE MACRO googlesql_safe_bool(x) AS
  CASE
    WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '(?i)true|false') THEN NULL
    ELSE TRY_CAST(x AS BOOLEAN)
  END;
CREATE OR REPLACE MACRO googlesql_is_date_text(x) AS regexp_full_match(x, '\s*\d{1,4}-\d{1,2}-\d{1,2}\s*');
CREATE OR REPLACE MACRO googlesql_date(x) AS
  CASE
    WHEN typeof(x) = 'VARCHAR' AND NOT googlesql_is_date_text(CAST(x AS VARCHAR))
      THEN CAST('Invalid date: ' || CAST(x AS VARCHAR) AS DATE)
    ELSE CAST(x AS DATE)
  END;
CREATE OR REPLACE MACRO googlesql_safe_date(x) AS
  CASE
    WHEN typeof(x) = 'VARCHAR' AND NOT googlesql_is_date_text(CAST(x AS VARCHAR)) THEN NULL
    ELSE TRY_CAST(x AS DATE)
  END;
CREATE OR REPLACE MACRO googlesql_bytes(x) AS
  CASE WHEN typeof(x) = 'VARCHAR' THEN encode(CAST(x AS VARCHAR)) ELSE TRY_CAST(x AS BLOB) END;

-- Text.
-- What begins and ends with a visible letter of ASCII, as nearly all texts do, needs no trimming.
CREATE OR REPLACE MACRO googlesql_trimmed(x) AS regexp_replace(x, '^[\t-\r \x{85}\pZ]+|[\t-\r \x{85}\pZ]+$', '', 'g');
CREATE OR REPLACE MACRO googlesql_trimmed_left(x) AS regexp_replace(x, '^[\t-\r \x{85}\pZ]+', '');
CREATE OR REPLACE MACRO googlesql_trimmed_right(x) AS regexp_replace(x, '[\t-\r \x{85}\pZ]+$', '');
CREATE OR REPLACE MACRO googlesql_trimmed_column(x) AS
  CASE WHEN x BETWEEN '!' AND '~' AND regexp_matches(x, '[!-~]$') THEN x ELSE googlesql_trimmed(x) END;
CREATE OR REPLACE MACRO googlesql_substr(x, start, size) AS
  CASE
    WHEN size < 0 THEN CAST('Third argument in SUBSTR() cannot be negative: ' || x AS INTEGER)::VARCHAR
    WHEN start = 0 OR start < -length(x) THEN substring(x, 1, size)
    ELSE substring(x, start, size)
  END;
CREATE OR REPLACE MACRO googlesql_shown(x) AS
  CASE WHEN x IS NULL THEN 'NULL' WHEN typeof(x) = 'DOUBLE' THEN CAST(x AS VARCHAR) ELSE googlesql_string(x) END;
CREATE OR REPLACE MACRO googlesql_literal(x) AS
  CASE WHEN typeof(x) = 'VARCHAR' THEN CAST(to_json(x) AS VARCHAR) ELSE googlesql_shown(x) END;
-- The emulator's own UPPER leaves the engine for every row.
CREATE OR REPLACE MACRO googlesql_upper(x) AS
  CASE WHEN strlen(x) = length(x) THEN upper(x) ELSE bqemu_upper_unicode(x) END;
CREATE OR REPLACE MACRO googlesql_instr_backwards(x, part, start, nth) AS
  CASE WHEN x || part IS NOT NULL THEN coalesce(
    list_filter(range(1, length(x) + start + 2), i -> substring(x, i, length(part)) = part)[-nth], 0
  ) END;
-- As GoogleSQL's evaluator has it: a backslash is a slash, the last @ ends who signs in, dots around the
-- host are dropped but one behind it. Only a bracket that nothing closes is another story there.
CREATE OR REPLACE MACRO googlesql_host(url) AS nullif(regexp_extract(
  url,
  '^[\t-\r ]*(?:(?:[a-zA-Z0-9+.-]*:)?[/\\]{2})?(?:[^/\\?#]*@)?\.*(\[[^\]/\\?#]*\]|[^/\\?#:]*?\.?)\.*(?:[\t-\r ]*$|[/\\?#:])',
  1
), '');
CREATE OR REPLACE MACRO googlesql_farm_fingerprint(x) AS bqemu_farm_fingerprint(
  CASE WHEN typeof(x) = 'BLOB' THEN decode(TRY_CAST(x AS BLOB)) ELSE CAST(x AS VARCHAR) END
);

-- Time. Weeks begin on an ISO day: Monday is 1, Sunday is 7.
CREATE OR REPLACE MACRO googlesql_micros(x) AS epoch_us(CAST(x AS TIMESTAMPTZ));
-- A zone is known when a query is planned, and that of most projects needs no calendar.
CREATE OR REPLACE MACRO googlesql_day(x, zone) AS
  CASE WHEN zone = 'UTC' THEN CAST(make_timestamp(epoch_us(x)) AS DATE) ELSE CAST(timezone(zone, x) AS DATE) END;
CREATE OR REPLACE MACRO googlesql_week(day, first) AS
  CAST(day AS DATE) - CAST((isodow(CAST(day AS DATE)) - first + 7) % 7 AS INTEGER);
CREATE OR REPLACE MACRO googlesql_week_diff(a, b, first) AS
  (googlesql_week(a, first) - googlesql_week(b, first)) // 7;
CREATE OR REPLACE MACRO googlesql_week_timestamp(x, first, zone) AS
  timezone(zone, CAST(googlesql_week(timezone(zone, CAST(x AS TIMESTAMPTZ)), first) AS TIMESTAMP));
CREATE OR REPLACE MACRO googlesql_unix(x, unit) AS CAST(floor(googlesql_micros(x) / unit) AS BIGINT);
CREATE OR REPLACE MACRO googlesql_timestamp_micros(x) AS make_timestamptz(CAST(x AS BIGINT));
CREATE OR REPLACE MACRO googlesql_subsecond(x, unit) AS
  ((((epoch_us(x) % 1000000) + 1000000) % 1000000) // unit);
CREATE OR REPLACE MACRO googlesql_local(x, zone) AS
  CASE
    WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN timezone(zone, CAST(x AS TIMESTAMPTZ))
    ELSE CAST(x AS TIMESTAMP)
  END;
CREATE OR REPLACE MACRO googlesql_offset_minutes(x, zone) AS
  CAST((epoch_us(timezone(zone, CAST(x AS TIMESTAMPTZ))) - googlesql_micros(x)) // 60000000 AS BIGINT);
CREATE OR REPLACE MACRO googlesql_offset_text(minutes, separator) AS
  CASE WHEN minutes < 0 THEN '-' ELSE '+' END
  || printf('%02d', abs(minutes) // 60) || separator || printf('%02d', abs(minutes) % 60);
CREATE OR REPLACE MACRO googlesql_zoned_text(x, zone) AS
  googlesql_clock_text(timezone(zone, CAST(x AS TIMESTAMPTZ)), ' ')
  || regexp_replace(googlesql_offset_text(googlesql_offset_minutes(x, zone), ':'), ':00$', '');
CREATE OR REPLACE MACRO googlesql_zone_name(minutes) AS
  CASE
    WHEN minutes = 0 THEN 'UTC'
    WHEN minutes % 60 = 0 THEN printf('UTC%+d', minutes // 60)
    ELSE 'UTC' || googlesql_offset_text(minutes, ':')
  END;
CREATE OR REPLACE MACRO googlesql_second_text(x, digits) AS
  strftime(x, '%S') || CASE
    WHEN digits = 0 THEN '' ELSE '.' || substring(format('{:06d}', googlesql_subsecond(x, 1)), 1, digits)
  END;
CREATE OR REPLACE MACRO googlesql_second_all(x) AS
  strftime(x, '%S') || CASE
    WHEN googlesql_subsecond(x, 1) = 0 THEN ''
    ELSE '.' || rtrim(format('{:06d}', googlesql_subsecond(x, 1)), '0')
  END;
CREATE OR REPLACE MACRO googlesql_parsed_timestamp(x, zone) AS
  CASE
    WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE' THEN CAST(x AS TIMESTAMPTZ)
    ELSE timezone(zone, CAST(x AS TIMESTAMP))
  END;

-- JSON.
CREATE OR REPLACE MACRO googlesql_json(x) AS
  CASE WHEN typeof(x) = 'JSON' OR json_valid(CAST(x AS VARCHAR)) THEN CAST(x AS JSON) END;
-- NULL where no list is at the path.
CREATE OR REPLACE MACRO googlesql_json_of_list(x, path) AS
  CASE WHEN json_type(googlesql_json(x), path) = 'ARRAY' THEN googlesql_json(x) END;
CREATE OR REPLACE MACRO googlesql_json_value(x, path) AS
  CASE WHEN typeof(x) = 'JSON' OR json_valid(CAST(x AS VARCHAR)) THEN json_value(CAST(x AS VARCHAR), path) ->> '$' END;
-- The result is JSON for JSON and text for text, as the branch that is never taken says.
CREATE OR REPLACE MACRO googlesql_json_query(x, path) AS
  CASE
    WHEN FALSE THEN x
    WHEN json_type(json_extract(googlesql_json(x), path)) <> 'NULL' THEN CAST(json_extract(googlesql_json(x), path) AS VARCHAR)
  END;
CREATE OR REPLACE MACRO googlesql_float_json(x) AS
  CASE WHEN isfinite(x) THEN googlesql_float_text(x) ELSE to_json(CASE WHEN isnan(x) THEN 'NaN' WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END)::VARCHAR END;
CREATE OR REPLACE MACRO googlesql_plain_json(x) AS coalesce(CAST(to_json(x) AS VARCHAR), 'null');
CREATE OR REPLACE MACRO googlesql_to_json(x) AS
  CASE
    WHEN x IS NULL THEN 'null'
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN googlesql_float_json(TRY_CAST(x AS DOUBLE))
    WHEN typeof(x) IN ('BIGINT', 'HUGEINT', 'INTEGER') THEN
      CASE WHEN abs(TRY_CAST(x AS HUGEINT)) > 9007199254740992 THEN '"' || CAST(x AS VARCHAR) || '"' ELSE CAST(x AS VARCHAR) END
    WHEN typeof(x) IN ('TIMESTAMP', 'TIMESTAMP WITH TIME ZONE') THEN
      '"' || googlesql_moment_text(x, 'T') || CASE typeof(x) WHEN 'TIMESTAMP' THEN '"' ELSE 'Z"' END
    WHEN starts_with(typeof(x), 'DECIMAL') AND NOT ends_with(typeof(x), '[]') THEN
      regexp_replace(googlesql_decimal_text(CAST(x AS VARCHAR)), '^(.*\..*)$', '"\1"')
    WHEN typeof(x) = 'BLOB' THEN '"' || to_base64(TRY_CAST(x AS BLOB)) || '"'
    ELSE CAST(to_json(x) AS VARCHAR)
  END;
