-- One page of a conversion's rows; the page before ended at (@before_created, @before_id).
SELECT {{ columns }}
FROM {{ conversion }} AS conversion
WHERE
  conversion.date BETWEEN @start_date AND @end_date
  AND (@id IS NULL OR conversion.id = @id)
  AND (@client_id IS NULL OR conversion.client_id = @client_id)
  AND (@user_id IS NULL OR conversion.user_id = @user_id)
  AND (@is_qualified IS NULL OR conversion.is_qualified = @is_qualified)
  AND (@minimum_value IS NULL OR conversion.value_project >= @minimum_value)
  AND (@maximum_value IS NULL OR conversion.value_project <= @maximum_value)
  -- what by-country and by-channel call it where the row has none
  AND (@country IS NULL OR COALESCE(NULLIF(conversion.country, ''), '(not set)') = @country)
  AND (@source IS NULL OR COALESCE(NULLIF(conversion.source, ''), '(not attributed)') = @source)
  AND (@medium IS NULL OR COALESCE(NULLIF(conversion.medium, ''), '(not attributed)') = @medium)
  AND (@campaign IS NULL OR conversion.campaign = @campaign)
  AND (
    @before_created IS NULL
    OR conversion.created < @before_created
    OR (conversion.created = @before_created AND conversion.id < @before_id)
  )
ORDER BY conversion.created DESC, conversion.id DESC
LIMIT @limit
