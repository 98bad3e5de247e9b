{{ row }}.client_id IS NOT NULL AND COALESCE({{ row }}.session_id, {{ row }}.source) IS NOT NULL
