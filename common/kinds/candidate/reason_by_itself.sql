{{ of_one_row }},
        IF(DATE(c.created, @timezone) NOT BETWEEN @start_date AND @end_date, 'outside_window', NULL)
