SELECT COUNT(*) AS erasures FROM {{ erasures }} AS erased WHERE erased.requested_at >= @since
