LEFT JOIN done AS with_lead ON with_lead.id = form.id
LEFT JOIN done AS with_person ON with_person.id = COALESCE(person.id, form.owner_id)
