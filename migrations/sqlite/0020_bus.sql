-- Deliveries to RabbitMQ: the routing key, and the session, whose deliveries go one after the other. Both are empty
-- where a webhook is told over HTTP.
ALTER TABLE webhook_delivery ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE webhook_delivery ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE INDEX webhook_delivery_subject ON webhook_delivery (tenant, webhook, subject, id) WHERE state = 'open';
