DECLARE start_date DATE DEFAULT DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY);
SELECT order_id AS id, ga_client_id AS clientId, created_at AS created
FROM crm.orders
WHERE status = 'paid';
