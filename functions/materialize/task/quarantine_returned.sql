
    AND d.id NOT IN (SELECT c.id FROM {{ candidates }} AS c WHERE c.removed = 'fully_refunded' AND c.id IS NOT NULL)
