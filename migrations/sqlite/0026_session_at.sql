-- Whether a provider has a session at a time.
CREATE INDEX session_provider_at ON session (tenant, provider, at_ms) WHERE provider <> '';
