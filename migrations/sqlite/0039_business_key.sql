-- Instances that ended, by business key: asked when an event comes that was sent before the start of an instance.
CREATE INDEX instance_of_business_key ON instance (tenant, business_key, start_event) WHERE business_key IS NOT NULL;
