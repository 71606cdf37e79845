-- Deliveries go when their period is over (retention.delivery), oldest first.
CREATE INDEX delivery_received ON delivery (received_ms);
