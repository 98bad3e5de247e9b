DELETE FROM {{ table }} WHERE {{ mentioned }}
