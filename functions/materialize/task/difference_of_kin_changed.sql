FROM compared AS present
LEFT JOIN {{ together }} AS fresh ON fresh.event_key = present.event_key
