SELECT outcome.won_after FROM {{ outcomes }} AS outcome WHERE outcome.won_after IS NOT NULL
